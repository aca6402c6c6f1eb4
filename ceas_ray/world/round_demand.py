"""What a round asks of the network, in closed form and before any plan is made: pairs, key bits, time. Ours."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from ceas_ray.config.errors import SettingsError
from ceas_ray.config.schema import RunSettings
from ceas_ray.config.validation import unusable
from ceas_ray.entanglement.key_ledger import RESERVED_VIEWS
from ceas_ray.entanglement.plan import (
    REPLICA_FRAMES,
    VIEW_CHANGE_FRAMES,
    Demand,
    asymptotic_bits,
    key_path_fidelity,
    key_path_seconds,
    turns_of,
)
from ceas_ray.kernel.time import PICOSECONDS_PER_SECOND
from ceas_ray.messages.payloads import processor_name, replica_name
from ceas_ray.network.network_plan import NetworkPlan
from ceas_ray.network.route import Route
from ceas_ray.quantum.bell_pairs import key_rate

LONGEST_SIMULATED_SECONDS = 4e6
"""Simulated time counts picoseconds in 64 bits, which end after 9.2e6 s."""
_SAMPLED_PATHS = 60
"""Key paths whose times stand for all others."""
Phases = Sequence[tuple[int, ...]]


@dataclass(frozen=True)
class RoundDemand:
    """The demand of a round in the middle of a run: pairs of links that all shots (tests included) and all keys need,
    key bits and simulated seconds; and the same of the warm-up before the first round.
    """

    shot_pairs: float
    key_pairs: float
    key_bits: float
    seconds: float
    warm_up_shot_pairs: float
    warm_up_key_pairs: float
    warm_up_seconds: float


@dataclass(frozen=True)
class _Keys:
    """Figures from sampled key paths: seconds of the slowest, and of the slowest where replicas distil too; pairs of
    links that all paths need."""

    slowest_seconds: float
    slowest_between: float
    pairs: float


def round_demand(
    settings: RunSettings, network: NetworkPlan, *, demand: Demand, phases: Phases, key_slots: Sequence[int],
    spends_pairs: bool,
) -> RoundDemand:  # fmt: skip
    """Return what a round asks; SettingsError if the run would outlast simulated time.

    phases: who is served together. key_slots: in how many slots for keys each phase then distils.
    """
    try:
        of_round, of_warm_up = (_keys(network, demand, phases, reserve) for reserve in (1, 2))
    except ValueError as error:
        raise unusable("entanglement", str(error)) from None
    shots = demand.shots + demand.test_shots if spends_pairs else 0
    warm_up_shots = demand.warm_up_test_shots if spends_pairs else 0
    plan = partial(_plan_seconds, network, demand, phases=phases, key_slots=key_slots)
    round_seconds, warm_up = plan(shots=shots, keys=of_round), plan(shots=warm_up_shots, keys=of_warm_up)
    simulated = warm_up + settings.training.rounds * round_seconds
    if simulated > LONGEST_SIMULATED_SECONDS:
        limit = f"at most {LONGEST_SIMULATED_SECONDS:g} simulated seconds"
        must = f"such that a run takes {limit} (here about {simulated:.2g})"
        raise SettingsError("training.rounds", must, settings.training.rounds)
    of_a_shot = sum(_link_pairs(network, demand, k) for k in range(len(network.processor_routes)))
    return RoundDemand(
        shot_pairs=shots * of_a_shot,
        key_pairs=of_round.pairs,
        key_bits=_key_bits(network, demand),
        seconds=round_seconds,
        warm_up_shot_pairs=warm_up_shots * of_a_shot,
        warm_up_key_pairs=of_warm_up.pairs,
        warm_up_seconds=warm_up,
    )


def _bits(demand: Demand, reserve: int) -> tuple[float, float]:
    """Wanted by a path between a processor and a replica, and between two replicas; reserve: 2 in the warm-up."""
    mine, between = demand.bits(1), demand.bits(REPLICA_FRAMES)
    change = demand.bits(VIEW_CHANGE_FRAMES)
    return 2.0 * reserve * mine, 2.0 * (reserve * between + (RESERVED_VIEWS * change if reserve > 1 else 0))


def _keys(network: NetworkPlan, demand: Demand, phases: Phases, reserve: int) -> _Keys:
    order = [k for group in phases for k in group]
    step = max(1, len(order) // _SAMPLED_PATHS)
    replicas, (mine, between) = len(network.replica_routes), _bits(demand, reserve)
    paths = [(processor_name(k), replica_name(number % replicas)) for number, k in enumerate(order[::step])]
    slowest, pairs_of_one = _of_paths(network, demand, paths, mine)
    pairs = len(order) * replicas * pairs_of_one
    all_between = [(replica_name(i), replica_name(j)) for j in range(replicas) for i in range(j)]
    sampled = all_between[:: max(1, len(all_between) // _SAMPLED_PATHS)]
    slowest_between, pairs_of_one = _of_paths(network, demand, sampled, between)
    return _Keys(slowest, max(slowest, slowest_between), pairs + len(all_between) * pairs_of_one)


def _of_paths(
    network: NetworkPlan, demand: Demand, paths: Sequence[tuple[str, str]], bits: float
) -> tuple[float, float]:
    """Return the seconds of the slowest of these paths, each of which distils so many bits, and the mean number of
    their links' pairs."""
    slowest, pairs = 0.0, 0.0
    for owner, peer in paths:
        route = network.key_route(owner, peer)
        raw = _raw_bits(route, bits, demand)
        slowest = max(slowest, key_path_seconds(route, raw, demand))
        pairs += raw * route.raw_pairs / max(1e-9, float(key_rate(route.fidelity)))
    return slowest, pairs / max(1, len(paths))


def _raw_bits(route: Route, bits: float, demand: Demand) -> float:
    """Return the asymptotic bits of the block that yields `bits` on a path."""
    return asymptotic_bits(key_path_fidelity(route, demand), bits) if demand.finite_keys else bits


def _plan_seconds(
    network: NetworkPlan, demand: Demand, *, phases: Phases, key_slots: Sequence[int], shots: int, keys: _Keys
) -> float:
    """Simulated: phase by phase, the shots of its slowest link, then the key slots."""
    total = 0.0
    for number, (members, slots) in enumerate(zip(phases, key_slots, strict=True)):
        with_replicas = min(slots, len(network.replica_routes)) if number == 0 else 0
        total += _served_seconds(network, demand, members=members, shots=shots)
        total += with_replicas * keys.slowest_between + (slots - with_replicas) * keys.slowest_seconds
    return total


def _served_seconds(network: NetworkPlan, demand: Demand, *, members: Sequence[int], shots: int) -> float:
    """Until the last shot of those who are served together; of exponential gaps, the longest sum of any link's."""
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
