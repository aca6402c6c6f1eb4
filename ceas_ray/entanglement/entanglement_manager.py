"""The entanglement manager: forecasts demand, plans generation, hands out keys, accounts for every pair."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ceas_ray.entanglement.plan import (
    REPLICA_FRAMES,
    VIEW_CHANGE_FRAMES,
    Demand,
    Estimate,
    channel_leases,
    key_path_seconds,
    phases,
)
from ceas_ray.kernel.actor import Actor
from ceas_ray.kernel.envelope import Effect, Envelope, Mark, Observation, Send
from ceas_ray.kernel.streams import Streams
from ceas_ray.kernel.time import picoseconds, seconds
from ceas_ray.messages.payloads import (
    ADVERSARY,
    ENTANGLEMENT_MANAGER,
    HUB,
    Begin,
    GeneratePairs,
    PlanFinished,
    RoundDecided,
    RoundStarted,
    StockPolicy,
    Timer,
    processor_link_name,
    processor_name,
    replica_link_name,
    replica_name,
)
from ceas_ray.network.link_parameters import LinkParameters, NetworkPlan
from ceas_ray.scheduling.scheduler import Scheduler

WARM_UP = -1


@dataclass(frozen=True)
class RoundTiming:
    """Simulated times, ps.

    control_delay: of every control message. planning_time: between rounds. update_time: of processors. input_timeout:
    after the start of a round; None: 2 ms after inputs could be complete. patience: with the committee, after that.
    """

    control_delay: int
    planning_time: int
    update_time: int
    input_timeout: int | None
    patience: int


class EntanglementManager(Actor):
    """Runs the rounds: warm-up (round -1: keys for the reserve, tests), then `rounds` rounds, each planned as a whole.

    A round's plans run in phases of as many processors as the hub can drive; each phase serves shots, then keys.
    """

    name = ENTANGLEMENT_MANAGER

    def __init__(
        self,
        network: NetworkPlan,
        swap_werner: float,
        demand: Demand,
        scheduler: Scheduler,
        timing: RoundTiming,
        rounds: int,
        matching_decisions: int,
        adversary: bool,
        train_on_pairs: bool,
        streams: Streams,
    ) -> None:
        """matching_decisions: f_replicas + 1. train_on_pairs: whether shots need pairs (teleported inputs).

        Raises ValueError for a demand that the network cannot serve.
        """
        self._network, self._swap_werner, self._demand = network, swap_werner, demand
        self._scheduler = scheduler
        self._policies: dict[LinkParameters, StockPolicy] = {}
        self._timing, self._rounds, self._needed = timing, rounds, matching_decisions
        self._adversary, self._train_on_pairs, self._streams = adversary, train_on_pairs, streams
        self._processors, self._replicas = len(network.processor_links), len(network.replica_links)
        self._phases = phases(network, demand)
        driven, legs = channel_leases(max(map(len, self._phases)), self._replicas)
        assert driven <= demand.hub_channels and legs.max() <= demand.multiplexing, "leases exceed the channels"
        if demand.slots < demand.pairs_per_shot:
            raise ValueError(
                f"entanglement.slots must be at least the {demand.pairs_per_shot} pairs of a shot, got {demand.slots}"
            )
        self.lookahead, self.own_lookahead = timing.planning_time, timing.control_delay
        self._round_index, self._started_at, self._plan_ends_at = WARM_UP, 0, 0
        self._decisions: dict[str, tuple[bytes, int]] = {}
        self._decided = True
        self._extra_views = 0
        self._counts = np.zeros((3, 5), np.int64)
        self._stored = 0
        self._shots = np.zeros(2, np.int64)
        self._shrink_sum = np.zeros(demand.pairs_per_shot + 1)
        self._key_bits: dict[tuple[str, str], float] = {}
        self._key_slot_lengths: dict[tuple[int, float, float], int] = {}
        self._plan_round(WARM_UP, 0)  # refuses an impossible demand before anything runs

    # --- what it answers ----------------------------------------------------------

    def handle(self, envelope: Envelope) -> Sequence[Effect]:
        """See `Actor`."""
        now = envelope.deliver_at
        match envelope.payload:
            case Begin():
                return [Send(now + self._timing.planning_time, self.name, Timer("start round", WARM_UP))]
            case Timer(purpose="start round", round_index=round_index):
                return self._start_round(round_index, now)
            case Timer(purpose="plan over"):
                return self._finish_warm_up(now)
            case Timer(purpose="stalled", round_index=round_index):
                return self._stall(now) if round_index == self._round_index and not self._decided else []
            case PlanFinished() as finished:
                self._book(finished)
                return []
            case RoundDecided() as decided:
                return self._count_decision(envelope.sender, decided, now)
            case other:
                raise TypeError(f"{self.name} cannot handle {type(other).__name__}")

    def promise(self, now: int) -> int:
        """While a plan runs nothing is sent."""
        return self._plan_ends_at + self._timing.control_delay

    # --- rounds ----------------------------------------------------------

    def _start_round(self, round_index: int, now: int) -> list[Effect]:
        timing = self._timing
        self._round_index, self._started_at = round_index, now
        plans, ends = self._plan_round(round_index, now + timing.control_delay)
        self._plan_ends_at = ends + 2 * timing.control_delay
        open_until = self._plan_ends_at + 2 * timing.update_time + 6 * timing.control_delay
        times_out = open_until + picoseconds(2e-3)
        if timing.input_timeout is not None:
            times_out = max(now + timing.input_timeout, open_until)
        at = now + timing.control_delay
        effects: list[Effect] = [Send(at, name, plan) for name, plan in plans]
        schedule = (round_index, self._plan_ends_at, open_until, times_out)
        effects.append(Send(at, HUB, RoundStarted(*schedule, np.zeros(0))))
        self._clear_books()
        if round_index == WARM_UP:
            return [*effects, Send(self._plan_ends_at, self.name, Timer("plan over", round_index))]
        self._decisions, self._decided = {}, False
        if self._adversary:
            effects.append(Send(at, ADVERSARY, RoundStarted(*schedule, np.zeros(0))))
        replicas = [replica_name(j) for j in range(self._replicas)]
        processors = [processor_name(k) for k in range(self._processors)]
        for peers, names in ((replicas, processors), ([*processors, *replicas], replicas)):
            effects += [Send(at, name, RoundStarted(*schedule, self._hand_out(name, peers))) for name in names]
        self._key_bits = {}
        effects.append(Send(times_out + timing.patience, self.name, Timer("stalled", round_index)))
        return effects

    def _stall(self, now: int) -> list[Effect]:
        """The committee did not decide in time: say so and end the round without a model."""
        self._decided = True
        ends = now + self._timing.planning_time
        observed = {"simulated_seconds": seconds(ends - self._started_at)}
        return [self._observation("stalled", observed), Mark(self._round_index, ends, None)]

    def _hand_out(self, name: str, peers: Sequence[str]) -> NDArray[np.int64]:
        bits = [self._key_bits.get((name, peer), self._key_bits.get((peer, name), 0.0)) for peer in peers]
        return np.floor(np.array(bits) / 2).astype(np.int64) * 2

    def _finish_warm_up(self, now: int) -> list[Effect]:
        starts = now + self._timing.planning_time
        return [self._observation("warm_up", {}), Send(starts, self.name, Timer("start round", 0))]

    def _count_decision(self, replica: str, decided: RoundDecided, now: int) -> list[Effect]:
        if self._decided or decided.round_index != self._round_index:
            return []
        self._decisions[replica] = (decided.digest, decided.view)
        matching = [view for digest, view in self._decisions.values() if digest == decided.digest]
        if len(matching) < self._needed:
            return []
        self._decided = True
        self._extra_views = max(matching)
        ends = now + self._timing.planning_time
        observed = {
            "skipped": decided.skipped,
            "view": max(matching),
            "processors": decided.processors,
            "weights": decided.weights,
            "simulated_seconds": seconds(ends - self._started_at),
        }
        effects: list[Effect] = [self._observation("round", observed), Mark(self._round_index, ends, decided.model)]
        if self._round_index + 1 < self._rounds:
            effects.append(Send(ends, self.name, Timer("start round", self._round_index + 1)))
        return effects

    # --- plans ----------------------------------------------------------

    def _plan_round(self, round_index: int, starts_at: int) -> tuple[list[tuple[str, GeneratePairs]], int]:
        """All plans of a round, by link manager, and when the last one ends."""
        plans: list[tuple[str, GeneratePairs]] = []
        begin = starts_at
        for number, members in enumerate(self._phases):
            releases = {k: self._releases(k, round_index) for k in members}
            served = max(self._shots_end(k, releases[k]) for k in members)
            key_slot = self._key_slot(members, round_index, with_replicas=number == 0)
            for place, k in enumerate(members):
                plans.append((processor_link_name(k), self._processor_plan(
                    k, place, round_index, begin, releases[k], served, key_slot)))  # fmt: skip
            if number == 0:
                plans += [
                    (replica_link_name(i), self._replica_plan(i, round_index, begin, served, key_slot))
                    for i in range(self._replicas)
                ]
            begin += served + key_slot * self._replicas
        return plans, begin

    def _releases(self, k: int, round_index: int) -> NDArray[np.int64]:
        demand = self._demand
        if not self._train_on_pairs:
            return np.zeros(0, np.int64)
        shots = demand.warm_up_test_shots if round_index == WARM_UP else demand.shots + demand.test_shots
        generator = self._streams.generator("link", processor_link_name(k), "demand", round_index)
        return demand.releases(self._network.processor_links[k], shots, generator)

    def _shots_end(self, k: int, releases: NDArray[np.int64]) -> int:
        return int(releases[-1]) + self._demand.shot_deadline(self._network.processor_links[k]) if len(releases) else 0

    def _processor_plan(
        self, k: int, place: int, round_index: int, begin: int, releases: NDArray[np.int64], served: int, key_slot: int
    ) -> GeneratePairs:
        is_test = np.zeros(len(releases), bool)
        if round_index == WARM_UP:
            is_test[:] = True
        elif len(releases):
            hub = self._streams.generator("hub", HUB, f"tests of {processor_link_name(k)}", round_index)
            is_test[hub.choice(len(releases), self._demand.test_shots, replace=False)] = True
        peers = [(place + slot) % self._replicas for slot in range(self._replicas)]
        legs = [self._legs(processor_name(k), self._network.processor_links[k], j) for j in peers]
        return self._plan(
            round_index, begin, releases, is_test, self._network.processor_links[k], served, key_slot,
            list(range(self._replicas)), [replica_name(j) for j in peers], self._wanted(False, round_index), legs,
        )  # fmt: skip

    def _replica_plan(self, i: int, round_index: int, begin: int, served: int, key_slot: int) -> GeneratePairs:
        peers = list(range(i + 1, self._replicas))
        link = self._network.replica_links[i]
        return self._plan(
            round_index, begin, np.zeros(0, np.int64), np.zeros(0, bool), link, served, key_slot,
            [(i + j) % self._replicas for j in peers], [replica_name(j) for j in peers],
            self._wanted(True, round_index), [self._legs(replica_name(i), link, j) for j in peers],
        )  # fmt: skip

    def _plan(
        self, round_index: int, begin: int, releases: NDArray[np.int64], is_test: NDArray[np.bool_],
        link: LinkParameters, served: int, key_slot: int, slots: list[int], peers: list[str], wanted: float,
        legs: list[tuple[LinkParameters, ...]],
    ) -> GeneratePairs:  # fmt: skip
        demand = self._demand
        rows = np.array([[leg.row() for leg in path] for path in legs]).reshape(
            len(legs), len(legs[0]) if legs else 1, 5
        )
        return GeneratePairs(
            round_index, begin, releases, is_test, demand.pairs_per_shot,
            demand.shot_deadline(link), demand.shot_period(link), self._policy(link), demand.useful_age(link),
            demand.slots, served, key_slot, tuple(slots), tuple(peers),
            np.full(len(peers), wanted), rows, demand.key_useful_age,
        )  # fmt: skip

    def _policy(self, link: LinkParameters) -> StockPolicy:
        if link not in self._policies:
            self._policies[link] = self._scheduler.stock_policy(self._demand.link_class(link))
        return self._policies[link]

    def _legs(self, name: str, link: LinkParameters, replica: int) -> tuple[LinkParameters, ...]:
        if self._network.swapped:
            return (link, self._network.replica_links[replica])
        return (self._network.direct_links[name, replica_name(replica)],)

    def _wanted(self, between_replicas: bool, round_index: int) -> float:
        """Bits per path: what a good round spends in both directions; at warm-up a reserve of one more; after a view
        change what it spent."""
        demand = self._demand
        good = demand.bits(REPLICA_FRAMES) if between_replicas else demand.bits(1)
        change = demand.bits(VIEW_CHANGE_FRAMES) if between_replicas else 0
        if round_index == WARM_UP:
            return 2.0 * (2 * good + 2 * change)
        return 2.0 * (good + self._extra_views * change)

    def _key_slot(self, members: Sequence[int], round_index: int, with_replicas: bool) -> int:
        """Long enough for every path of the phase; what was computed for the same demand is remembered."""
        wanted = (self._wanted(False, round_index), self._wanted(True, round_index) if with_replicas else 0.0)
        key = (members[0], *wanted)
        if key not in self._key_slot_lengths:
            self._key_slot_lengths[key] = picoseconds(self._longest_key_path(members, *wanted))
        return self._key_slot_lengths[key]

    def _longest_key_path(self, members: Sequence[int], processor_bits: float, replica_bits: float) -> float:
        links, replicas = self._network, range(self._replicas)
        paths = [
            (self._legs(processor_name(k), links.processor_links[k], j), processor_bits)
            for k in members
            for j in replicas
        ]
        if replica_bits:
            paths += [
                (self._legs(replica_name(i), links.replica_links[i], j), replica_bits)
                for i in replicas
                for j in replicas
                if j > i
            ]
        return max(key_path_seconds(legs, self._swap_werner, bits, self._demand) for legs, bits in paths)

    def estimate(self) -> Estimate:
        """What one round will cost, before any is run."""
        plans, ends = self._plan_round(0, 0)
        _, warm_up = self._plan_round(WARM_UP, 0)
        bits = sum(float(plan.key_bits_wanted.sum()) for _, plan in plans)
        shots = sum(len(plan.releases) for _, plan in plans)
        keys = sum(
            bits_wanted * len(legs) / max(1e-9, self._bits_per_pair(legs))
            for _, plan in plans
            for bits_wanted, legs in zip(plan.key_bits_wanted, plan.key_legs, strict=True)
        )
        return Estimate(shots * self._demand.pairs_per_shot + keys, bits, seconds(ends), seconds(warm_up))

    def _bits_per_pair(self, legs: NDArray[np.float64]) -> float:
        werner = math.prod((4 * leg[3] - 1) / 3 for leg in legs) * (self._swap_werner if len(legs) == 2 else 1.0)
        e = (1 - werner) / 2
        return 1 + 2 * (e * math.log2(e) + (1 - e) * math.log2(1 - e)) if e > 0 else 1.0

    # --- books ----------------------------------------------------------

    def _book(self, finished: PlanFinished) -> None:
        self._counts += finished.counts
        self._counts[1] += finished.leg_counts.sum(axis=0)
        self._stored += finished.stored
        self._shots += (finished.shots, finished.shots_on_time)
        if finished.shots and finished.round_index >= 0:
            self._shrink_sum += finished.shrink
        owner = finished.link.removeprefix("link/")
        for peer, bits in zip(finished.key_peers, finished.key_bits, strict=True):
            self._key_bits[owner, peer] = self._key_bits.get((owner, peer), 0.0) + float(bits)

    def _observation(self, name: str, more: dict[str, Any]) -> Observation:
        values = {
            "counts": self._counts,
            "stored": self._stored,
            "shots": int(self._shots[0]),
            "shots_on_time": int(self._shots[1]),
            "shrink": self._shrink_sum / self._processors,
            "key_bits": float(sum(self._key_bits.values())),
        }
        return Observation(name, values | more)

    def _clear_books(self) -> None:
        self._counts = np.zeros((3, 5), np.int64)
        self._stored = 0
        self._shots = np.zeros(2, np.int64)
        self._shrink_sum = np.zeros_like(self._shrink_sum)

    def snapshot(self) -> Any:
        """See `Actor`."""
        return (
            self._round_index, self._started_at, self._plan_ends_at, self._decisions, self._decided, self._extra_views,
            self._counts, self._stored, self._shots, self._shrink_sum, sorted(self._key_bits.items()),
        )  # fmt: skip

    def restore(self, state: Any) -> None:
        """See `Actor`."""
        self._round_index, self._started_at, self._plan_ends_at, decisions, self._decided, self._extra_views = state[:6]
        self._decisions = dict(decisions)
        self._counts, self._stored, self._shots = np.array(state[6]), state[7], np.array(state[8])
        self._shrink_sum, self._key_bits = np.array(state[9]), dict(state[10])
