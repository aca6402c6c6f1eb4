"""The demand of a round on the network, in closed form and before any plan is made: pairs, key bits, time. Ours."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from functools import partial
from statistics import fmean
from typing import NamedTuple, TypeVar

from ceas_ray.config.errors import SettingsError
from ceas_ray.config.schema import RunSettings
from ceas_ray.config.validation import unusable
from ceas_ray.entanglement.demand import (
    Demand,
    turns_of,
)
from ceas_ray.entanglement.key_ledger import RESERVED_ROUNDS
from ceas_ray.entanglement.key_paths import KeyPath
from ceas_ray.entanglement.leases import ServicePhase, turns_within
from ceas_ray.kernel.time import PICOSECONDS_PER_SECOND
from ceas_ray.messages.payloads import processor_name, replica_name
from ceas_ray.network.network_plan import NetworkPlan
from ceas_ray.scheduling.scheduler import Scheduler
from ceas_ray.world.generation import generated_for_shots, stock_kept
from ceas_ray.world.path_keys import PathKeys, WantedKeys

T = TypeVar("T")
LONGEST_SIMULATED_SECONDS = 4e6
"""Simulated time counts picoseconds in 64 bits, which end after 9.2e6 s."""
_SAMPLED_PATHS = 60
"""Key paths that stand for all others."""


@dataclass(frozen=True)
class ServedPhase:
    """Parties that are served together, then distil keys slot by slot.

    key_slots: how many slots. slots: the paths of each, where they are planned; None where their number is an estimate,
    and paths are spread over the slots. turns: the paths of each turn beside the shots likewise.
    """

    members: tuple[int, ...]
    key_slots: int
    slots: tuple[tuple[KeyPath, ...], ...] | None = None
    turns: tuple[tuple[KeyPath, ...], ...] = ()

    @classmethod
    def planned(cls, phase: ServicePhase) -> ServedPhase:
        """Return a phase as a run plans it."""
        return cls(phase.members, phase.key_slots, phase.paths_of_slots, phase.paths_of_turns)


class Pairs(NamedTuple):
    """Pairs of links: for shots (tests included), and for keys."""

    shots: float
    keys: float


@dataclass(frozen=True)
class RoundDemand:
    """The demand of a round in the middle of a run, and of the warm-up before the first one.

    asked: pairs of links behind all that shots and keys need; generated: those that links generate for it, which the
    scheduler decides. Seconds are simulated; simulated_seconds: of all the run.
    """

    asked: Pairs
    generated: Pairs
    warm_up_generated: Pairs
    key_bits: float
    seconds: float
    warm_up_seconds: float
    simulated_seconds: float

    def generated_in_all(self, rounds: int) -> Pairs:
        """Return the pairs that links generate in a run of this many rounds; the last ones distil no keys."""
        with_keys = max(0, rounds - RESERVED_ROUNDS)
        return Pairs(
            self.warm_up_generated.shots + rounds * self.generated.shots,
            self.warm_up_generated.keys + with_keys * self.generated.keys,
        )


@dataclass(frozen=True)
class _PlanCost:
    """The cost of a plan: simulated seconds of shots and of keys; pairs behind the keys, and those generated for
    them.
    """

    shot_seconds: float
    key_seconds: float
    key_pairs: float
    generated_for_keys: float

    @property
    def seconds(self) -> float:
        return self.shot_seconds + self.key_seconds

    @classmethod
    def mean(cls, of: Sequence[_PlanCost]) -> _PlanCost:
        return cls(*(fmean(getattr(one, part.name) for one in of) for part in fields(cls)))


def round_demand(
    settings: RunSettings,
    network: NetworkPlan,
    *,
    demand: Demand,
    scheduler: Scheduler,
    phases: Sequence[ServedPhase],
    spends_pairs: bool,
) -> RoundDemand:
    """Return what a round asks; SettingsError if the run would outlast simulated time.

    phases: who is served together.
    """
    rounds = settings.training.rounds
    shots = demand.shots + demand.test_shots if spends_pairs else 0
    warm_up_shots = demand.warm_up_test_shots if spends_pairs else 0
    parties = range(len(network.processor_routes))
    try:
        keys = PathKeys(network, demand)
        plan = partial(_plan_cost, network, demand, phases=phases)
        in_rounds = [plan(shots=shots, keys=wanted) for wanted in keys.of_rounds(rounds)]
        of_round, warm_up = _PlanCost.mean(in_rounds), plan(shots=warm_up_shots, keys=keys.warm_up(rounds))
        kept = stock_kept(scheduler, demand.slots)
        made = sum(_generated_for_a_shot(network, demand, k, kept) for k in parties)
    except ValueError as error:
        raise unusable("entanglement", str(error)) from None
    without_keys = min(rounds, RESERVED_ROUNDS)
    simulated = warm_up.seconds + (rounds - without_keys) * of_round.seconds + without_keys * of_round.shot_seconds
    _refuse_too_long(simulated, rounds)
    return RoundDemand(
        asked=Pairs(shots * sum(_link_pairs(network, demand, k) for k in parties), of_round.key_pairs),
        generated=Pairs(shots * made, of_round.generated_for_keys),
        warm_up_generated=Pairs(warm_up_shots * made, warm_up.generated_for_keys),
        key_bits=_key_bits(network, keys),
        seconds=of_round.seconds,
        warm_up_seconds=warm_up.seconds,
        simulated_seconds=simulated,
    )


def _refuse_too_long(simulated_seconds: float, rounds: int) -> None:
    if simulated_seconds > LONGEST_SIMULATED_SECONDS:
        limit = f"at most {LONGEST_SIMULATED_SECONDS:g} simulated seconds"
        must = f"such that a run takes {limit} (here about {simulated_seconds:.2g})"
        raise SettingsError("training.rounds", must, rounds)


def _sampled(of: Sequence[T], max_count: int = _SAMPLED_PATHS) -> Sequence[T]:
    return of[:: max(1, len(of) // max_count)]


@dataclass(frozen=True)
class _Paths:
    """The paths of one key slot, or a sample of them; number: of all of them."""

    paths: Sequence[KeyPath]
    number: float

    def sum(self, of: Callable[[KeyPath], float]) -> float:
        return self.number * fmean(map(of, self.paths))

    def greatest(self, of: Callable[[KeyPath], float]) -> float:
        """Return the greatest of all paths; of a sample, the expected greatest of `number` paths like these."""
        values, found = sorted(map(of, self.paths)), 0.0
        if self.number == len(values):
            return values[-1]
        for number, value in enumerate(values):
            found += value * (((number + 1) / len(values)) ** self.number - (number / len(values)) ** self.number)
        return found


def _plan_cost(
    network: NetworkPlan, demand: Demand, *, phases: Sequence[ServedPhase], shots: int, keys: WantedKeys
) -> _PlanCost:
    """Return what a plan takes: phase by phase, the shots of its slowest link, then the key slots, each as long as its
    slowest path needs. Replicas distil beside the shots as far as these last for long enough.
    """
    shot_seconds = key_seconds = pairs = generated = 0.0
    max_count = max(1, _SAMPLED_PATHS // len(phases))
    for number, phase in enumerate(phases):
        served = _served_seconds(network, demand, members=phase.members, shots=shots)
        turns = _turns(network, phase) if number == 0 else ()
        within = turns_within((turn.greatest(keys.seconds) for turn in turns), served)
        slots = _key_slots(network, phase, beside=turns[:within], others=turns[within:], max_count=max_count)
        shot_seconds += served
        key_seconds += sum(times * max(part.greatest(keys.seconds) for part in parts) for times, parts in slots)
        for times, parts in (*slots, (1, turns[:within])):
            pairs += times * sum(part.sum(keys.used_pairs) for part in parts)
            generated += times * sum(part.sum(keys.generated_pairs) for part in parts)
    return _PlanCost(shot_seconds, key_seconds, pairs, generated)


def _turns(network: NetworkPlan, phase: ServedPhase) -> Sequence[_Paths]:
    """Return the paths of each turn of replicas beside the shots of the first phase."""
    if phase.slots is not None:
        return [_Paths(turn, len(turn)) for turn in phase.turns if turn]
    replicas = len(network.replica_routes)
    between = [KeyPath(replica_name(i), j) for j in range(replicas) for i in range(j)]
    turns = min(phase.key_slots, replicas) if between else 0
    return [_Paths(_sampled(between), len(between) / turns)] * turns


def _key_slots(
    network: NetworkPlan, phase: ServedPhase, *, beside: Sequence[_Paths], others: Sequence[_Paths], max_count: int
) -> Sequence[tuple[float, Sequence[_Paths]]]:
    """Return the key slots of a phase: how often there is such a one, and its paths.

    beside: paths that need no slot. others: those of turns for which the shots leave no time.
    """
    if phase.slots is not None:
        done = {path for turn in beside for path in turn.paths}
        left = ([path for path in slot if path not in done] for slot in phase.slots)
        return [(1, (_Paths(slot, len(slot)),)) for slot in left if slot]
    replicas = len(network.replica_routes)
    paths = [KeyPath(processor_name(k), n % replicas) for n, k in enumerate(_sampled(phase.members, max_count))]
    mine = _Paths(paths, len(phase.members) * replicas / phase.key_slots)
    return [*((1, (mine, turn)) for turn in others), (phase.key_slots - len(others), (mine,))]


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


def _key_bits(network: NetworkPlan, keys: PathKeys) -> float:
    replicas = len(network.replica_routes)
    of_processors = len(network.processor_routes) * replicas * keys.good_round(is_between=False)
    return of_processors + replicas * (replicas - 1) / 2 * keys.good_round(is_between=True)


def _link_pairs(network: NetworkPlan, demand: Demand, k: int) -> float:
    """Return the pairs of links that a shot of party k needs; of parallel routes the mean over all its shots."""
    if network.parallel:
        several = network.parallel[k]
        of_routes = zip(several.shares, several.routes, strict=True)
        return demand.pairs_per_shot * sum(share * route.raw_pairs for share, route in of_routes)
    if network.groups:
        return sum(part.pairs * part.route.raw_pairs for part in network.groups[k].routes)
    return demand.pairs_per_shot * network.processor_routes[k].raw_pairs


def _generated_for_a_shot(network: NetworkPlan, demand: Demand, k: int, kept: float | None) -> float:
    """Return the pairs that links generate for a shot of party k; of parallel routes the mean over all its shots."""
    if network.parallel:
        several = network.parallel[k]
        made = [generated_for_shots(r, r, demand, pairs=demand.pairs_per_shot, kept=kept) for r in several.routes]
        return sum(share * of_route for share, of_route in zip(several.shares, made, strict=True))
    if not network.groups:
        route = network.processor_routes[k]
        return generated_for_shots(route, network.served(k), demand, pairs=demand.pairs_per_shot, kept=kept)
    group = network.groups[k]
    return sum(generated_for_shots(p.route, group, demand, pairs=p.pairs, kept=kept) for p in group.routes)
