"""The model that settings choose: its circuit, loss, learning rate, and the work of computing gradients."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ceas_ray.config.policies import Reader, instantiate, read_input
from ceas_ray.config.schema import TrainingSettings
from ceas_ray.kernel.streams import Streams
from ceas_ray.processors.gradient_work import ErrorMitigation, GradientWork
from ceas_ray.processors.trap_circuit_draws import TrapCircuits
from ceas_ray.quantum import aer_engine, circuit_values
from ceas_ray.quantum.checked_loss import CheckedLoss
from ceas_ray.quantum.circuit import Circuit
from ceas_ray.quantum.circuit_values import VariationalCircuit
from ceas_ray.quantum.loss import CrossEntropyLoss, Loss, SquaredLoss
from ceas_ray.quantum.trap_circuits import asked_count
from ceas_ray.training.datasets import DataSet
from ceas_ray.training.learning_rate import LearningRate
from ceas_ray.training.metrics import Evaluation
from ceas_ray.world.blueprint import Blueprint

_ENGINES = {
    "pauli": circuit_values.shifted_values,
    "aer": aer_engine.shifted_values,
    "aer_sampled": aer_engine.shifted_values,
}
_PUBLIC_SAMPLES = 64


def loss_of(training: TrainingSettings, read: Reader = read_input) -> Loss:
    """Return the loss that training descends. read: how a file is read that a loss of the user's own names."""
    if training.own_loss is not None:
        return CheckedLoss(instantiate(training.own_loss, "training.own_loss", Loss, read))
    return SquaredLoss() if training.loss == "squared" else CrossEntropyLoss(training.loss_scale)


def learning_rate_of(training: TrainingSettings) -> LearningRate:
    """Return the learning rate of every round."""
    return LearningRate(
        training.learning_rate, training.final_learning_rate, training.learning_rate_schedule, training.rounds
    )


def circuit_of(training: TrainingSettings, outputs: int) -> Circuit:
    """Return the circuit as one processor runs it, with this many outputs."""
    return Circuit(
        training.qubits,
        training.layers,
        outputs,
        entangler=training.entangler,
        reuploaded=training.inputs == "local",
        ansatz=training.ansatz,
    )


def initial_parameters_of(circuit: VariationalCircuit, streams: Streams) -> NDArray[np.float64]:
    """Draw the parameters that training starts from, shape (d,), in rad."""
    start = streams.generator("model", "model", "initial parameters", 0)
    return start.uniform(-np.pi / 4, np.pi / 4, circuit.parameter_count)


def public_angles_of(training: TrainingSettings, count: int, streams: Streams) -> NDArray[np.float64]:
    """Draw inputs that anybody may know, shape (64, count), in rad, over the range that data are encoded in."""
    widest = training.data.angle_range * np.pi
    generator = streams.generator("hub", "hub", "public angles", 0)
    return generator.uniform(-widest, widest, (_PUBLIC_SAMPLES, count))


def evaluation_on_test(training: TrainingSettings, circuit: VariationalCircuit, data: DataSet) -> Evaluation:
    """Return the loss and accuracy on the test set, as functions of the parameters."""
    return Evaluation(
        circuit=circuit,
        loss=loss_of(training),
        angles=data.test_angles,
        targets=data.test_targets,
        labels=data.test_labels,
    )


def evaluation_on_validation(
    training: TrainingSettings, circuit: VariationalCircuit, data: DataSet
) -> Evaluation | None:
    """Return the same on the samples that were set aside for choosing settings; None if none were."""
    if not data.has_validation:
        return None
    loss = loss_of(training)
    return Evaluation(
        circuit=circuit,
        loss=loss,
        angles=data.validation_angles,
        targets=data.validation_targets,
        labels=data.validation_labels,
    )


def asked_circuits_of(training: TrainingSettings) -> int:
    """Return how many of a party's circuits in a round have an answer that the hub knows."""
    return asked_count(training.circuits_per_round, training.trap_circuit_share)


def error_mitigation_of(training: TrainingSettings) -> ErrorMitigation:
    """Return how the loss of contrast is mitigated; shared circuits spend so many pairs that dividing by what is left
    costs more in variance than it gains, see `docs/explanation/mitigation.md`.
    """
    if training.error_mitigation != "automatic":
        return training.error_mitigation
    return "rescale" if training.partition == "data" else "none"


def gradient_work(blueprint: Blueprint) -> GradientWork:
    """Return what computes the gradients of all parties of a host."""
    training, processors = blueprint.settings.training, blueprint.settings.processors
    return GradientWork(
        circuit=blueprint.shared_circuit,
        engine=_ENGINES[processors.engine],
        streams=blueprint.streams,
        loss=loss_of(training),
        estimator=training.estimator,
        error_mitigation=error_mitigation_of(training),
        forward_circuits=training.forward_circuits,
        threads=processors.threads,
        outcome_sampler=aer_engine.sampled_outcomes if processors.engine == "aer_sampled" else None,
        trap_circuits=_trap_circuits(blueprint),
    )


def _trap_circuits(blueprint: Blueprint) -> TrapCircuits | None:
    training, circuit = blueprint.settings.training, blueprint.shared_circuit
    if training.trap_circuit_share == 0:
        return None
    unshifted = (
        1 / (1 + 2 * circuit.shift_count)
        if training.estimator == "full_shift"
        else training.forward_circuits / training.circuits_per_round
    )
    return TrapCircuits(circuit, blueprint.streams, training.trap_circuit_share, unshifted)
