"""The memory that a run needs, from its settings alone, before anything is built. Ours."""

from __future__ import annotations

import numpy as np

from ceas_ray.config.schema import RunSettings
from ceas_ray.kernel.host import WORK_BLOCK
from ceas_ray.quantum.gate_circuit import GateCircuit
from ceas_ray.quantum.gate_engine import kept_states
from ceas_ray.quantum.lanes import lane_count
from ceas_ray.world.counts import counts_of

_BASE_BYTES = 240 * 2**20
"""Of a process with all that the default run needs, measured without MLflow."""
_MLFLOW_BYTES, _AER_BYTES = 90 * 2**20, 85 * 2**20
_BYTES_PER_PATH = 8_000
_BYTES_PER_PLANNED_SHOT = 40
"""Of a shot while its plan waits and its outcome travels, measured: release, test or not, on time or not, copies."""
_BYTES_PER_SERVED_SHOT = 120
_BYTES_PER_PAIR = 16
_BYTES_PER_DERIVATIVE = 32
"""Of one of a sample's parameters: first and second derivative, and a copy of both."""


def memory_bytes(settings: RunSettings) -> float:
    """Return what a local run takes at most, or all hosts of one on Ray together beyond their libraries."""
    choice, counts, shots = settings.entanglement, counts_of(settings), _shots_of_a_plan(settings)
    pairs = choice.supply * settings.training.qubits * (1 + choice.gap_periods / choice.burst_shots)
    of_link = shots * (_BYTES_PER_SERVED_SHOT + _BYTES_PER_PAIR * pairs) + 100.0 * choice.slots
    of_all = counts.parties * shots * _BYTES_PER_PLANNED_SHOT
    libraries = (
        _BASE_BYTES + _MLFLOW_BYTES * settings.tracking.mlflow + _AER_BYTES * (settings.processors.engine != "pauli")
    )
    return libraries + _of_gradients(settings) + counts.key_paths * _BYTES_PER_PATH + of_link + of_all


def own_circuit_bytes(settings: RunSettings, circuit: GateCircuit) -> float:
    """Return what the engine of a circuit of the user's own takes beside that: states, derivatives, profiles, traps."""
    training, numbers = settings.training, 8.0 * 4**circuit.qubits
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
