"""The accuracy that models can reach: trained centrally, without noise or pairs, beside logistic regression.

usage: scripts/bench accuracy [key=value ...]

Five data sets of conf/training with inputs encoded anew in every layer (training.inputs=local), three layers,
cross-entropy and Adam on all data. Each split of a data set has a validation set; of the candidates, the same for every
data set (range of the angles, learning rate), the one with the best validation accuracy is taken, the first of equally
good ones, and its test accuracy reported. Nothing is chosen on a test set. Logistic regression has the same features,
split and range. Overrides apply to all sets; one of a range that is tuned leaves only its own. Prints one JSON line.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from ceas_ray.config.composition import composed
from ceas_ray.config.errors import SettingsError
from ceas_ray.config.schema import RunSettings, TrainingSettings
from ceas_ray.config.validation import build
from ceas_ray.kernel.streams import Streams
from ceas_ray.quantum.circuit import Circuit
from ceas_ray.training.centralized import Adam, CentralizedTraining
from ceas_ray.training.datasets import logistic_regression_accuracy
from ceas_ray.training.learning_rate import LearningRate
from ceas_ray.training.metrics import model_outputs, predicted_labels
from ceas_ray.world.data import load_data
from ceas_ray.world.inputs import RunInputs
from ceas_ray.world.model import loss_of

DATA_SETS = ("digits_0123", "digits_38", "wine", "breast_cancer", "moons")
SEEDS = (101, 102, 103)
STEPS = 150
MODEL = (
    "training.inputs=local", "training.loss=cross_entropy", "training.layers=3",
    "training.data.validation_fraction=0.25",
)  # fmt: skip
CANDIDATES = tuple(
    (f"training.data.angle_range={angle_range}", f"training.learning_rate={rate}")
    for angle_range in (0.25, 0.5)
    for rate in (0.03, 0.1)
)


class Trained(NamedTuple):
    """A candidate, and its accuracies on one split."""

    validation: float
    test: float
    logistic_regression: float
    angle_range: float
    learning_rate: float


def main(overrides: Sequence[str]) -> dict[str, Any]:
    """Return, for each data set, the test accuracy in percent, mean over splits, and that of logistic regression."""
    return {name: accuracies(name, overrides) for name in DATA_SETS}


def accuracies(name: str, overrides: Sequence[str] = ()) -> dict[str, Any]:
    """Return the figures of one data set. Raises SettingsError for bad overrides."""
    splits = [_best_on_validation(_candidates(name, overrides, seed), seed) for seed in SEEDS]
    training = _candidates(name, overrides, SEEDS[0])[0]
    return {
        "qubits": training.qubits,
        "layers": training.layers,
        "accuracy_percent": _percent(np.mean([split.test for split in splits])),
        "logistic_regression_percent": _percent(np.mean([split.logistic_regression for split in splits])),
        "splits": [
            {
                "test_percent": _percent(split.test),
                "validation_percent": _percent(split.validation),
                "logistic_regression_percent": _percent(split.logistic_regression),
                "angle_range": split.angle_range,
                "learning_rate": split.learning_rate,
            }
            for split in splits
        ],
    }


def _percent(share: Any) -> float:
    return round(100 * float(share), 1)


def _candidates(name: str, overrides: Sequence[str], seed: int) -> list[TrainingSettings]:
    """Return the settings to choose from, each once."""
    found: list[TrainingSettings] = []
    for words in CANDIDATES:
        training = build(
            RunSettings, composed([f"training={name}", *MODEL, *words, *overrides, f"seed={seed}"])
        ).training
        if training not in found:
            found.append(training)
    return found


def _best_on_validation(candidates: Sequence[TrainingSettings], seed: int) -> Trained:
    return max((_trained(training, seed) for training in candidates), key=lambda found: found.validation)


def _trained(training: TrainingSettings, seed: int) -> Trained:
    data = load_data(training.data, training.qubits, seed=seed, inputs=RunInputs({}))
    if not data.has_validation:
        raise SettingsError("training.data.validation_fraction", "above 0: candidates are chosen on it", 0.0)
    circuit = Circuit(
        training.qubits,
        training.layers,
        data.outputs,
        entangler=training.entangler,
        reuploaded=training.inputs == "local",
        ansatz=training.ansatz,
    )
    rate = LearningRate(training.learning_rate, training.learning_rate / 100, "cosine", STEPS)
    train = CentralizedTraining(circuit, loss_of(training), Adam(), rate)
    generator = Streams(seed).generator("model", "model", "initial parameters", 0)
    parameters = train(data, generator.uniform(-np.pi / 4, np.pi / 4, circuit.parameter_count), generator)
    validation, test = (
        float(np.mean(predicted_labels(model_outputs(circuit, parameters, angles)) == labels))
        for angles, labels in (
            (data.validation_angles, data.validation_labels), (data.test_angles, data.test_labels),
        )
    )  # fmt: skip
    return Trained(
        validation, test, logistic_regression_accuracy(data), training.data.angle_range, training.learning_rate
    )
