"""The memory that a run needs, from its settings alone, before anything is built. Ours."""

from __future__ import annotations

import numpy as np

from ceas_ray.config.schema import RunSettings
from ceas_ray.kernel.host import SHARED_CALL_SIZE, WORK_BLOCK
from ceas_ray.quantum.circuit_values import MAX_NOISY_QUBITS
from ceas_ray.quantum.gate_circuit import GateCircuit
from ceas_ray.quantum.gate_engine import kept_states
from ceas_ray.quantum.lanes import lane_count
from ceas_ray.scheduling.clairvoyant import Clairvoyant
from ceas_ray.world.counts import counts_of

_BASE_BYTES = 240 * 2**20
"""Of a process with all that the default run needs, measured without MLflow."""
_MLFLOW_BYTES, _AER_BYTES = 150 * 2**20, 85 * 2**20
_BYTES_PER_PATH = 8_000
_BYTES_PER_PLANNED_SHOT = 10
"""Of a shot of each party while its plan waits and its outcome travels, measured: release, test or not, on time or not,
copies."""
_BYTES_PER_CIRCUIT = 85
"""Of a circuit that one party draws, measured."""
_BYTES_PER_SERVED_SHOT, _BYTES_PER_SPENT_PAIR = 45, 37
_BYTES_PER_FORESEEN_PAIR = 35
"""Of a pair that could be, where a scheduler knows all of them."""
_BYTES_PER_SHARED_SHOT, _BYTES_PER_SHARED_PAIR = 360, 16
"""Of a shot that several processors share, and each pair that its links could make in its time."""
_STATES_AT_ONCE = 6
"""Of blocks of state vectors, or of single large ones, while a gate is done on states and their derivatives."""
_BYTES_PER_DERIVATIVE = 32
"""Of one of a sample's parameters: first and second derivative, and a copy of both."""


def memory_bytes(settings: RunSettings) -> float:
    """Return what a local run takes at most, or all hosts of one on Ray together beyond their libraries."""
    choice, counts = settings.entanglement, counts_of(settings)
    libraries = (
        _BASE_BYTES + _MLFLOW_BYTES * settings.tracking.mlflow + _AER_BYTES * (settings.processors.engine != "pauli")
    )
    of_paths = counts.key_paths * _BYTES_PER_PATH
    return libraries + _of_gradients(settings) + of_paths + 100.0 * choice.slots + _of_shots(settings)


def _of_shots(settings: RunSettings) -> float:
    """Return what the shots of the largest plan take: of one party, or of several that share a call, while they are
    served; of all while they wait.
    """
    training, choice, shots = settings.training, settings.entanglement, _shots_of_a_plan(settings)
    if training.inputs == "local" and training.partition == "data":
        return training.circuits_per_round * _BYTES_PER_CIRCUIT
    births = choice.supply * training.qubits * (1 + choice.gap_periods / choice.burst_shots)
    parties = counts_of(settings).parties
    of_all = parties * _BYTES_PER_PLANNED_SHOT
    if training.partition != "data":
        return shots * (_BYTES_PER_SHARED_SHOT + _BYTES_PER_SHARED_PAIR * births + of_all)
    of_shot: float = _BYTES_PER_SERVED_SHOT + _BYTES_PER_SPENT_PAIR * training.qubits
    if settings.scheduling.get("_target_") == f"{Clairvoyant.__module__}.{Clairvoyant.__qualname__}":
        of_shot += _BYTES_PER_FORESEEN_PAIR * births
    together = max(1.0, min(WORK_BLOCK, parties, SHARED_CALL_SIZE / (shots * training.qubits)))
    return shots * (together * of_shot + of_all)


def own_circuit_bytes(settings: RunSettings, circuit: GateCircuit) -> float:
    """Return what the engine of a circuit of the user's own takes beside that: states, derivatives, profiles, traps."""
    training, numbers = settings.training, 8.0 * 4**circuit.qubits
    if circuit.qubits > MAX_NOISY_QUBITS:
        return _STATES_AT_ONCE * max(2.0**25, 16.0 * 2**circuit.qubits)
    parties = min(WORK_BLOCK, counts_of(settings).parties)
    lanes = min(parties * training.batch, training.data.samples) * circuit.outputs
    states = settings.processors.threads * kept_states(circuit) * lane_count(np.float64) * numbers
    slopes = training.batch * circuit.shift_count * circuit.parameter_count * 8.0
    found = states + slopes + lanes * circuit.shift_count * _BYTES_PER_DERIVATIVE
    if not circuit.reuploaded:
        found += parties * (1 + 3 * circuit.outputs) * numbers
    if training.trap_circuit_share > 0:
        terms = sum(len(observable) for observable in circuit.observables)
        found += (1 + 2 * circuit.shift_count) * terms * 3 * numbers
    return found


def _of_gradients(settings: RunSettings) -> float:
    """Return what the first and second derivatives of all samples in one call of the engine take."""
    training = settings.training
    samples = min(WORK_BLOCK * training.batch, training.data.samples)
    return samples * _BYTES_PER_DERIVATIVE * 2 * training.qubits * training.layers


def _shots_of_a_plan(settings: RunSettings) -> float:
    """Return the shots of one party in its largest plan, tests included."""
    choice = settings.entanglement
    warm_up = choice.warm_up_tests / settings.training.qubits
    return max(settings.training.circuits_per_round / (1 - choice.test_share), warm_up)
