"""What a round asks of the network, in closed form and before any plan is made: pairs, key bits, time. Ours."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from statistics import mean
from typing import TypeVar

from ceas_ray.config.errors import SettingsError
from ceas_ray.config.schema import RunSettings
from ceas_ray.config.validation import unusable
from ceas_ray.entanglement.key_ledger import RESERVED_ROUNDS, RESERVED_VIEWS
from ceas_ray.entanglement.key_paths import KeyPath, KeyPaths
from ceas_ray.entanglement.leases import ServicePhase
from ceas_ray.entanglement.plan import (
    REPLICA_FRAMES,
    VIEW_CHANGE_FRAMES,
    Demand,
    turns_of,
)
from ceas_ray.kernel.time import PICOSECONDS_PER_SECOND
from ceas_ray.messages.payloads import processor_name, replica_name
from ceas_ray.network.network_plan import NetworkPlan
from ceas_ray.quantum.bell_pairs import key_rate

T = TypeVar("T")
LONGEST_SIMULATED_SECONDS = 4e6
"""Simulated time counts picoseconds in 64 bits, which end after 9.2e6 s."""
_SAMPLED_PATHS = 60
"""Key paths that stand for all others."""


@dataclass(frozen=True)
class ServedPhase:
    """Parties that are served together, then distil keys slot by slot.

    key_slots: how many slots. slots: the paths of each, where they are planned; None where their number is an estimate,
    and paths are spread over the slots.
    """

    members: tuple[int, ...]
    key_slots: int
    slots: tuple[tuple[KeyPath, ...], ...] | None = None

    @classmethod
    def planned(cls, phase: ServicePhase) -> ServedPhase:
        """Return a phase as a run plans it."""
        slots: list[list[KeyPath]] = [[] for _ in range(phase.key_slots)]
        for (k, j), slot in phase.processor_slots.items():
            slots[slot].append(KeyPath(processor_name(k), j))
        for (i, j), slot in phase.replica_slots.items():
            slots[slot].append(KeyPath(replica_name(i), j))
        return cls(phase.members, phase.key_slots, tuple(map(tuple, slots)))


@dataclass(frozen=True)
class RoundDemand:
    """The demand of a round in the middle of a run: pairs of links that all shots (tests included) and all keys need,
    key bits and simulated seconds; and the same of the warm-up before the first round. simulated_seconds: of all the
    run.
    """

    shot_pairs: float
    key_pairs: float
    key_bits: float
    seconds: float
    warm_up_shot_pairs: float
    warm_up_key_pairs: float
    warm_up_seconds: float
    simulated_seconds: float


@dataclass(frozen=True)
class _Keys:
    """What paths are to distil. mine, between: bits of a path between a processor and a replica, and between two
    replicas."""

    paths: KeyPaths
    mine: float
    between: float

    def seconds(self, path: KeyPath) -> float:
        """Return the time that a path needs."""
        return self.paths.seconds(path, self._bits(path))

    def pairs(self, path: KeyPath) -> float:
        """Return the pairs of all its links that a path needs."""
        route = self.paths.route(path)
        return (
            self.paths.raw_bits(path, self._bits(path)) * route.raw_pairs / max(1e-9, float(key_rate(route.fidelity)))
        )

    def _bits(self, path: KeyPath) -> float:
        return self.between if path.owner.startswith("replica/") else self.mine


def round_demand(
    settings: RunSettings,
    network: NetworkPlan,
    *,
    demand: Demand,
    phases: Sequence[ServedPhase],
    spends_pairs: bool,
) -> RoundDemand:
    """Return what a round asks; SettingsError if the run would outlast simulated time.

    phases: who is served together.
    """
    paths, rounds = KeyPaths(network, demand), settings.training.rounds
    of_round, of_warm_up = (_Keys(paths, *_bits(demand, n)) for n in (1, min(RESERVED_ROUNDS, rounds)))
    change = 2.0 * RESERVED_VIEWS * demand.bits(VIEW_CHANGE_FRAMES)
    of_warm_up = replace(of_warm_up, between=of_warm_up.between + change)
    nothing = _Keys(paths, 0.0, 0.0)
    shots = demand.shots + demand.test_shots if spends_pairs else 0
    warm_up_shots = demand.warm_up_test_shots if spends_pairs else 0
    plan = partial(_plan_seconds, network, demand, phases=phases)
    try:
        round_seconds, warm_up = plan(shots=shots, keys=of_round), plan(shots=warm_up_shots, keys=of_warm_up)
        shots_alone = plan(shots=shots, keys=nothing)
        round_key_pairs, warm_up_key_pairs = (_key_pairs(network, keys, phases) for keys in (of_round, of_warm_up))
    except ValueError as error:
        raise unusable("entanglement", str(error)) from None
    without_keys = min(rounds, RESERVED_ROUNDS)
    simulated = warm_up + (rounds - without_keys) * round_seconds + without_keys * shots_alone
    _refuse_too_long(simulated, rounds)
    of_a_shot = sum(_link_pairs(network, demand, k) for k in range(len(network.processor_routes)))
    return RoundDemand(
        shot_pairs=shots * of_a_shot,
        key_pairs=round_key_pairs,
        key_bits=_key_bits(network, demand),
        seconds=round_seconds,
        warm_up_shot_pairs=warm_up_shots * of_a_shot,
        warm_up_key_pairs=warm_up_key_pairs,
        warm_up_seconds=warm_up,
        simulated_seconds=simulated,
    )


def _refuse_too_long(simulated_seconds: float, rounds: int) -> None:
    if simulated_seconds > LONGEST_SIMULATED_SECONDS:
        limit = f"at most {LONGEST_SIMULATED_SECONDS:g} simulated seconds"
        must = f"such that a run takes {limit} (here about {simulated_seconds:.2g})"
        raise SettingsError("training.rounds", must, rounds)


def _bits(demand: Demand, rounds: int) -> tuple[float, float]:
    """Return what good rounds want of a path between a processor and a replica, and between two replicas."""
    return 2.0 * rounds * demand.bits(1), 2.0 * rounds * demand.bits(REPLICA_FRAMES)


def _key_pairs(network: NetworkPlan, keys: _Keys, phases: Sequence[ServedPhase]) -> float:
    """Return the pairs of links that all paths need, from samples of them."""
    order, replicas = [k for phase in phases for k in phase.members], len(network.replica_routes)
    mine = [KeyPath(processor_name(k), n % replicas) for n, k in enumerate(_sampled(order))]
    all_between = [KeyPath(replica_name(i), j) for j in range(replicas) for i in range(j)]
    total = len(order) * replicas * mean(map(keys.pairs, mine))
    return total + len(all_between) * mean(map(keys.pairs, _sampled(all_between))) if all_between else total


def _sampled(of: Sequence[T], most: int = _SAMPLED_PATHS) -> Sequence[T]:
    return of[:: max(1, len(of) // most)]


def _plan_seconds(
    network: NetworkPlan, demand: Demand, *, phases: Sequence[ServedPhase], shots: int, keys: _Keys
) -> float:
    """Return the simulated seconds of a plan: phase by phase, the shots of its slowest link, then the key slots, each
    as long as its slowest path needs.
    """
    total, replicas = 0.0, len(network.replica_routes)
    most = max(1, _SAMPLED_PATHS // len(phases))
    for number, phase in enumerate(phases):
        total += _served_seconds(network, demand, members=phase.members, shots=shots)
        if phase.slots is not None:
            total += sum(max(map(keys.seconds, slot), default=0.0) for slot in phase.slots)
            continue
        paths = [KeyPath(processor_name(k), n % replicas) for n, k in enumerate(_sampled(phase.members, most))]
        slowest = _slowest(paths, len(phase.members) * replicas / phase.key_slots, keys)
        if number == 0 and replicas > 1:
            all_between = [KeyPath(replica_name(i), j) for j in range(replicas) for i in range(j)]
            slots = min(phase.key_slots, replicas)
            between = _slowest(_sampled(all_between), len(all_between) / slots, keys)
            total += slots * max(0.0, between - slowest)
        total += phase.key_slots * slowest
    return total


def _slowest(sample: Sequence[KeyPath], of: float, keys: _Keys) -> float:
    """Return the mean time of the slowest of so many paths that are like those of a sample."""
    times, found = sorted(map(keys.seconds, sample)), 0.0
    for number, time in enumerate(times):
        found += time * (((number + 1) / len(times)) ** of - (number / len(times)) ** of)
    return found


def _served_seconds(network: NetworkPlan, demand: Demand, *, members: Sequence[int], shots: int) -> float:
    """Return the seconds until the last shot of those who are served together; of exponential gaps, the longest sum of
    any link's.
    """
    if shots == 0:
        return 0.0
    turns = turns_of(network, demand, members)
    bursts = math.ceil(shots / demand.burst_shots)
    gaps = bursts + math.sqrt(2 * bursts * math.log(len(members) + 1))
    found = 0.0
    for k in members:
        period = demand.shot_period(network.served(k))
        served: float = period * (shots + demand.gap_periods * gaps)
        if k in turns:
            served = turns[k].first + (bursts - 1) * turns[k].cycle + demand.burst_shots * period
        found = max(found, (served + demand.shot_deadline(network.served(k))) / PICOSECONDS_PER_SECOND)
    return found


def _key_bits(network: NetworkPlan, demand: Demand) -> float:
    replicas = len(network.replica_routes)
    mine, between = _bits(demand, 1)
    return len(network.processor_routes) * replicas * mine + replicas * (replicas - 1) / 2 * between


def _link_pairs(network: NetworkPlan, demand: Demand, k: int) -> int:
    """Return the pairs of links that a shot of party k needs."""
    if network.groups:
        return sum(part.pairs * part.route.raw_pairs for part in network.groups[k].routes)
    return demand.pairs_per_shot * network.processor_routes[k].raw_pairs
