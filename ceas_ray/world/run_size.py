"""The memory that a run needs, from its settings alone, before anything is built. Ours."""

from __future__ import annotations

from ceas_ray.config.schema import RunSettings
from ceas_ray.world.counts import counts_of

_BASE_BYTES = 420 * 2**20
"""Of a process with all libraries and the default run, measured."""
_BYTES_PER_PATH = 8_000
_BYTES_PER_PLANNED_SHOT = 40
"""Of a shot while its plan waits and its outcome travels, measured: release, test or not, on time or not, copies."""
_BYTES_PER_SERVED_SHOT = 120
_BYTES_PER_PAIR = 16


def memory_bytes(settings: RunSettings) -> float:
    """Return what a local run takes at most, or all hosts of one on Ray together beyond their libraries."""
    choice, counts, shots = settings.entanglement, counts_of(settings), _shots_of_a_plan(settings)
    pairs = choice.supply * settings.training.qubits * (1 + choice.gap_periods / choice.burst_shots)
    of_link = shots * (_BYTES_PER_SERVED_SHOT + _BYTES_PER_PAIR * pairs) + 100.0 * choice.slots
    of_all = counts.parties * shots * _BYTES_PER_PLANNED_SHOT
    samples = settings.training.data.samples * 2.0 ** min(settings.training.data.spins, 11)
    of_data = samples * 16 if settings.training.data.name == "spin_chain" else 0.0
    return _BASE_BYTES + counts.key_paths * _BYTES_PER_PATH + of_link + of_all + of_data


def _shots_of_a_plan(settings: RunSettings) -> float:
    """Return the shots of one party in its largest plan, tests included."""
    choice = settings.entanglement
    warm_up = choice.warm_up_tests / settings.training.qubits
    return max(settings.training.circuits_per_round / (1 - choice.test_share), warm_up)
