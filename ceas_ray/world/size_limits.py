"""How much memory a run needs, from its settings alone, before anything is built; and what is too much. Ours."""

from __future__ import annotations

import psutil

from ceas_ray.config.errors import SettingsError
from ceas_ray.config.schema import RunSettings

MOST_PATHS = 20_000
"""Key paths between processors, replicas and replicas: each is planned, distilled and spent in every round."""
_BASE_BYTES = 420 * 2**20
"""Of a process with all libraries and the default run, measured."""
_BYTES_PER_PATH = 8_000
_BYTES_PER_PLANNED_SHOT = 40
"""Of a shot while its plan waits and its outcome travels, measured: release, test or not, on time or not, copies."""
_BYTES_PER_SERVED_SHOT = 120
_BYTES_PER_PAIR = 16


def parties(settings: RunSettings) -> int:
    """Processors, or groups of them where they share a circuit."""
    shared = settings.training.partition != "data"
    return max(1, settings.processors.count // (settings.training.processors_per_group if shared else 1))


def committee_members(settings: RunSettings) -> int:
    """How many replicas there are."""
    if settings.consensus.committee == "processors":
        return settings.processors.count
    return settings.consensus.committee_size or 0


def key_paths(settings: RunSettings) -> int:
    """Between parties and replicas, and among replicas."""
    members = committee_members(settings)
    return parties(settings) * members + members * (members - 1) // 2


def shots_of_a_plan(settings: RunSettings) -> float:
    """Of one processor (or group) in its largest plan, tests included."""
    choice = settings.entanglement
    warm_up = choice.warm_up_tests / settings.training.qubits
    return max(settings.training.circuits_per_round / (1 - choice.test_share), warm_up)


def memory_bytes(settings: RunSettings) -> float:
    """What a local run of these settings takes at most, or all hosts of one on Ray together beyond their libraries."""
    choice, shots = settings.entanglement, shots_of_a_plan(settings)
    pairs = choice.supply * settings.training.qubits * (1 + choice.gap_periods / choice.burst_shots)
    of_link = shots * (_BYTES_PER_SERVED_SHOT + _BYTES_PER_PAIR * pairs) + 100.0 * choice.slots
    of_all = parties(settings) * shots * _BYTES_PER_PLANNED_SHOT
    samples = settings.training.data.samples * 2.0 ** min(settings.training.data.spins, 11)
    of_data = samples * 16 if settings.training.data.name == "spin_chain" else 0.0
    return _BASE_BYTES + key_paths(settings) * _BYTES_PER_PATH + of_link + of_all + of_data


def refuse_too_large(settings: RunSettings) -> None:
    """SettingsError for what does not fit this machine, or a stated limit."""
    paths, members = key_paths(settings), committee_members(settings)
    if paths > MOST_PATHS:
        key = "consensus.committee_size" if settings.consensus.committee == "dedicated" else "processors.count"
        must = f"such that processors and replicas have at most {MOST_PATHS} paths for keys (here {paths})"
        raise SettingsError(key, must, members)
    here = psutil.virtual_memory().total
    needed = memory_bytes(settings)
    if needed > here:
        warm_up = settings.entanglement.warm_up_tests / settings.training.qubits
        of_rounds = settings.training.circuits_per_round >= warm_up
        key = "training.circuits_per_round" if of_rounds else "entanglement.warm_up_tests"
        came = settings.training.circuits_per_round if of_rounds else settings.entanglement.warm_up_tests
        must = (
            f"smaller for processors.count={settings.processors.count}: the run needs about {needed / 2**30:.0f} GB of "
            f"memory, this machine has {here / 2**30:.0f}"
        )
        raise SettingsError(key, must, came)
