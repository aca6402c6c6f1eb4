"""How accurate the models can be: trained centrally, without noise or pairs, beside logistic regression.

usage: scripts/bench accuracy [key=value ...]

Five data sets of conf/training with inputs encoded anew in every layer (training.inputs=local), three splits each;
the reference figures are those of an independent implementation. What was tuned: the optimiser (Adam on all data, its
rate and number of steps), the loss (cross-entropy), three layers, and the range of the angles. Overrides apply to all
sets. Prints one JSON line.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ceas_ray.app.data import load_data
from ceas_ray.app.inputs import Inputs
from ceas_ray.app.model import loss_of
from ceas_ray.config.composition import composed
from ceas_ray.config.schema import RunSettings, TrainingSettings
from ceas_ray.config.validation import build
from ceas_ray.kernel.streams import Streams
from ceas_ray.quantum.circuit import Circuit
from ceas_ray.training.centralized import Adam, CentralizedTraining, accuracy_on_test
from ceas_ray.training.datasets import logistic_regression_accuracy
from ceas_ray.training.learning_rate import LearningRate

REFERENCE = {"digits_0123": 90.2, "digits_38": 96.7, "wine": 96.3, "breast_cancer": 94.2, "moons": 98.3}
SEEDS = (1, 2, 3)
STEPS, RATE = 150, 0.1
MODEL = ("training.inputs=local", "training.loss=cross_entropy", "training.layers=3", "training.data.angle_range=0.25")


def main(overrides: Sequence[str]) -> dict[str, Any]:
    """Per data set: percent of the test set that is right, mean over the splits, and of logistic regression."""
    return {name: accuracies(name, overrides) for name in REFERENCE}


def accuracies(name: str, overrides: Sequence[str] = ()) -> dict[str, Any]:
    """Of one data set. SettingsError for overrides that cannot be."""
    model, line = [], []
    for seed in SEEDS:
        choices = [f"training={name}", *MODEL, *(["training.data.angle_range=0.5"] if name == "moons" else [])]
        settings = build(RunSettings, composed([*choices, *overrides, f"seed={seed}"]))
        ours, theirs = _one_split(settings.training, seed)
        model.append(ours)
        line.append(theirs)
    return {
        "qubits": settings.training.qubits,
        "layers": settings.training.layers,
        "accuracy_percent": round(100 * float(np.mean(model)), 1),
        "of_each_split": [round(100 * share, 1) for share in model],
        "reference_percent": REFERENCE[name],
        "logistic_regression_percent": round(100 * float(np.mean(line)), 1),
    }


def _one_split(training: TrainingSettings, seed: int) -> tuple[float, float]:
    data = load_data(training.data, training.qubits, seed, Inputs({}))
    circuit = Circuit(
        training.qubits, training.layers, data.outputs, training.entangler, training.inputs == "local", training.ansatz
    )
    rate = LearningRate(RATE, RATE / 100, "cosine", STEPS)
    train = CentralizedTraining(circuit, loss_of(training), Adam(), rate)
    generator = Streams(seed).generator("model", "model", "initial parameters", 0)
    initial = generator.uniform(-np.pi / 4, np.pi / 4, circuit.parameter_count)
    return accuracy_on_test(circuit, train(data, initial, generator), data), logistic_regression_accuracy(data)
