"""The planner: the plans of a round say what is asked of which link, and when. The same arguments give the same
plans.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ceas_ray.entanglement.demand import Demand, turns_of
from ceas_ray.entanglement.feasibility import refuse_infeasible, refuse_policy
from ceas_ray.entanglement.key_paths import KeyPath, KeyPaths
from ceas_ray.entanglement.leases import ServicePhase, plan_phases, turns_within
from ceas_ray.kernel.streams import Streams
from ceas_ray.kernel.time import picoseconds
from ceas_ray.messages.payloads import (
    HUB,
    GeneratePairs,
    GeneratePairsInParallel,
    StockPolicy,
    processor_link_name,
    processor_name,
    replica_link_name,
    replica_name,
)
from ceas_ray.network.network_plan import NetworkPlan
from ceas_ray.network.route import PairSource, Route
from ceas_ray.scheduling.perishable_chain import LinkClass
from ceas_ray.scheduling.scheduler import Scheduler

WARM_UP = -1
"""The round before the first; plans of the n-th refill have round -1 - n."""
KeyBits = Mapping[KeyPath, float]
LinkPlan = GeneratePairs | GeneratePairsInParallel


class PlanTimes(NamedTuple):
    """How a plan's time is divided, ps: training shots, tests (their share of the time of all shots) and keys."""

    shots: int
    tests: int
    keys: int


@dataclass(frozen=True)
class RoundPlan:
    """The plans of a round, each with the name of the link manager that carries it out, when the last one ends, and
    what its time is spent on."""

    plans: tuple[tuple[str, LinkPlan], ...]
    ends_at: int
    times: PlanTimes


class _Span(NamedTuple):
    """A time of a phase, ps: when it starts, after the phase does, and how long it lasts."""

    starts_at: int
    length: int


@dataclass(frozen=True, kw_only=True)
class _PhasePlan:
    """What the plans of one phase have in common.

    begin: when it starts, ps. key_starts_at: when its key part does, after `begin`. key_lengths: of its key slots, ps.
    turn_lengths: of the turns beside the shots, ps; only so many turns as are over when the shots are. bits: that every
    path is to distil.
    """

    phase: ServicePhase
    round_index: int
    begin: int
    key_starts_at: int
    key_lengths: tuple[int, ...]
    turn_lengths: tuple[int, ...]
    bits: KeyBits

    def of_slot(self, slot: int) -> _Span:
        """Return when a key slot is."""
        return _Span(self.key_starts_at + sum(self.key_lengths[:slot]), self.key_lengths[slot])

    def of_replicas(self, i: int, j: int) -> _Span:
        """Return when two replicas distil: beside the shots where these last for long enough."""
        turn = self.phase.replica_turns.get((i, j), len(self.turn_lengths))
        if turn < len(self.turn_lengths):
            return _Span(sum(self.turn_lengths[:turn]), self.turn_lengths[turn])
        return self.of_slot(self.phase.replica_slots[i, j])


@dataclass(frozen=True)
class _ShotPlan:
    """What shots ask of a link: of whom, by which policies (with the pairs of a shot, of each of its routes), when they
    are released (relative to the phase), and which of them the hub tests."""

    served: PairSource
    policies: tuple[tuple[int, StockPolicy], ...]
    releases: NDArray[np.int64]
    is_test: NDArray[np.bool_]


class Planner:
    """Plans rounds in phases of as many processors as the hub can drive; each phase serves shots, then keys."""

    def __init__(
        self,
        network: NetworkPlan,
        paths: KeyPaths,
        *,
        demand: Demand,
        scheduler: Scheduler,
        train_on_pairs: bool,
        streams: Streams,
    ) -> None:
        """train_on_pairs: whether shots need pairs (teleported inputs).

        Raises ValueError for a demand that the network cannot serve.
        """
        self._network, self._paths, self._demand = network, paths, demand
        self._scheduler, self._train_on_pairs, self._streams = scheduler, train_on_pairs, streams
        self._replicas = len(network.replica_routes)
        self._policies: dict[LinkClass, StockPolicy] = {}
        self._phases = plan_phases(network, demand)
        self._turns = {
            k: turns for phase in self._phases for k, turns in turns_of(network, demand, phase.members).items()
        }
        refuse_infeasible(network, demand)
        self._of_parties = tuple(self._policies_of(k) for k in range(len(network.processor_routes)))
        self._of_replicas = tuple(self._policy(demand, route) for route in network.replica_routes)

    def plan(self, round_index: int, starts_at: int, bits: KeyBits) -> RoundPlan:
        """Plan a round that starts at `starts_at`, in which every path distils its bits."""
        plans: list[tuple[str, LinkPlan]] = []
        begin, shot_time = starts_at, 0
        for number, phase in enumerate(self._phases):
            releases = {k: self._releases(k, round_index) for k in phase.members}
            served = max(self._shots_end(k, releases[k]) for k in phase.members)
            turn_lengths = self._turn_lengths(phase, served, bits)
            common = _PhasePlan(
                phase=phase,
                round_index=round_index,
                begin=begin,
                key_starts_at=served,
                key_lengths=self._key_lengths(phase, len(turn_lengths), bits),
                turn_lengths=turn_lengths,
                bits=bits,
            )
            plans += [(processor_link_name(k), self._processor_plan(k, common, releases[k])) for k in phase.members]
            if number == 0:
                plans += [(replica_link_name(i), self._replica_plan(i, common)) for i in range(self._replicas)]
            begin += served + sum(common.key_lengths)
            shot_time += served
        tests = round(shot_time * self._test_share(round_index))
        return RoundPlan(tuple(plans), begin, PlanTimes(shot_time - tests, tests, begin - starts_at - shot_time))

    # --- shots ----------------------------------------------------------

    def _sources(self, k: int) -> tuple[PairSource, ...]:
        """Return what serves the shots of party k."""
        return tuple(source for source, _ in self._network.shots_of_sources(k, 0))

    def _releases(self, k: int, round_index: int) -> tuple[NDArray[np.int64], ...]:
        """Return when the shots are released on each source of party k."""
        demand = self._demand
        if not self._train_on_pairs or round_index < WARM_UP:
            return tuple(np.zeros(0, np.int64) for _ in self._sources(k))
        shots = demand.warm_up_test_shots if round_index == WARM_UP else demand.shots + demand.test_shots
        if demand.rotation is not None:
            return (demand.rotation.releases(self._turns[k], shots),)
        shots_of = self._network.shots_of_sources(k, shots)
        purposes = ["demand", *(f"demand of route {r}" for r in range(1, len(shots_of)))]
        return tuple(
            demand.releases(
                source, of_one, self._streams.generator("link", processor_link_name(k), purpose, round_index)
            )
            for (source, of_one), purpose in zip(shots_of, purposes, strict=True)
        )

    def _shots_end(self, k: int, releases: Sequence[NDArray[np.int64]]) -> int:
        ends = [
            int(of_source[-1]) + self._demand.shot_deadline(source)
            for source, of_source in zip(self._sources(k), releases, strict=True)
            if len(of_source)
        ]
        return max(ends, default=0)

    def _test_share(self, round_index: int) -> float:
        """Return the share of a plan's shots that are tests: all of them in the warm-up."""
        demand = self._demand
        return 1.0 if round_index == WARM_UP else demand.test_shots / (demand.shots + demand.test_shots)

    def _tests(self, k: int, round_index: int, shots: int) -> NDArray[np.bool_]:
        """Return which shots the hub secretly tests: all in the warm-up, else a draw of its own."""
        is_test = np.full(shots, round_index == WARM_UP)
        if shots and round_index != WARM_UP:
            hub = self._streams.generator("hub", HUB, f"tests of {processor_link_name(k)}", round_index)
            is_test[hub.choice(shots, self._demand.test_shots, replace=False)] = True
        return is_test

    def _policies_of(self, k: int) -> tuple[tuple[tuple[int, StockPolicy], ...], ...]:
        """Return, for each source of party k, the pairs of a shot and the stock policy of every route that it needs."""
        if not self._network.groups:
            routes = self._network.shot_routes(k)
            return tuple(((self._demand.pairs_per_shot, self._policy(self._demand, route)),) for route in routes)
        group = self._network.groups[k]
        of_group = ((part.pairs, self._policy(self._demand.of_route(part, group), part.route)) for part in group.routes)
        return (tuple(of_group),)

    def _policy(self, demand: Demand, route: Route) -> StockPolicy:
        link = demand.link_class(route)
        if link not in self._policies:
            self._policies[link] = self._scheduler.stock_policy(link)
            refuse_policy(self._policies[link], self._network)
        return self._policies[link]

    # --- keys ----------------------------------------------------------

    def _turn_lengths(self, phase: ServicePhase, shot_time: int, bits: KeyBits) -> tuple[int, ...]:
        """Return the lengths of the turns beside the shots, ps: of so many as are over when the shots are."""
        lengths = tuple(self._longest(turn, bits) for turn in phase.paths_of_turns)
        return lengths[: turns_within(lengths, shot_time)]

    def _key_lengths(self, phase: ServicePhase, turns: int, bits: KeyBits) -> tuple[int, ...]:
        """Return the length of every key slot of a phase, ps: long enough for what its paths want, those aside that
        have one of this many turns beside the shots.
        """
        beside = set(chain.from_iterable(phase.paths_of_turns[:turns]))
        left = ([path for path in slot if path not in beside] for slot in phase.paths_of_slots)
        return tuple(self._longest(paths, bits) for paths in left)

    def _longest(self, paths: Iterable[KeyPath], bits: KeyBits) -> int:
        """Return the time, ps, in which each of these paths has what it wants."""
        return picoseconds(max((self._paths.seconds(path, bits[path]) for path in paths), default=0.0))

    # --- plans ----------------------------------------------------------

    def _processor_plan(self, k: int, common: _PhasePlan, releases: Sequence[NDArray[np.int64]]) -> LinkPlan:
        ends = np.cumsum([len(of_source) for of_source in releases])
        tests = np.split(self._tests(k, common.round_index, int(ends[-1])), ends[:-1])
        spans = {j: common.of_slot(common.phase.processor_slots[k, j]) for j in range(self._replicas)}
        in_turn = dict(sorted(spans.items(), key=lambda entry: entry[1]))
        shots = map(_ShotPlan, self._sources(k), self._of_parties[k], releases, tests)
        first, *others = (
            self._plan(processor_name(k), common, of_source, in_turn if r == 0 else {})
            for r, of_source in enumerate(shots)
        )
        return GeneratePairsInParallel(parts=(first, *others)) if others else first

    def _replica_plan(self, i: int, common: _PhasePlan) -> GeneratePairs:
        route = self._network.replica_routes[i]
        policies = ((self._demand.pairs_per_shot, self._of_replicas[i]),)
        shots = _ShotPlan(route, policies, np.zeros(0, np.int64), np.zeros(0, bool))
        spans = {j: common.of_replicas(i, j) for j in range(i + 1, self._replicas)}
        return self._plan(replica_name(i), common, shots, spans)

    def _plan(self, owner: str, common: _PhasePlan, shots: _ShotPlan, spans: Mapping[int, _Span]) -> GeneratePairs:
        """Return a party's plan. spans: when it distils keys, by replica."""
        paths = [KeyPath(owner, j) for j in spans]
        demand = self._demand
        return GeneratePairs(
            round_index=common.round_index,
            starts_at=common.begin,
            releases=shots.releases,
            is_test=shots.is_test,
            pairs_per_shot=tuple(pairs for pairs, _ in shots.policies),
            pair_offsets=(0,) * len(shots.policies),
            shot_deadline=demand.shot_deadline(shots.served),
            shot_period=demand.shot_period(shots.served),
            burst_shots=demand.burst_shots,
            policies=tuple(policy for _, policy in shots.policies),
            useful_age=demand.useful_age(shots.served),
            min_fidelity=demand.min_fidelity or 0.0,
            slots=demand.slots,
            key_starts=tuple(span.starts_at for span in spans.values()),
            key_lengths=tuple(span.length for span in spans.values()),
            key_peers=tuple(path.peer for path in paths),
            key_bits_wanted=np.array([self._paths.raw_bits(path, common.bits[path]) for path in paths]),
            key_useful_age=demand.key_useful_age,
        )
