"""The entanglement manager: forecasts demand, plans generation, hands out keys, accounts for every pair."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ceas_ray.entanglement.key_ledger import KeyLedger
from ceas_ray.entanglement.leases import Phase, plan_phases
from ceas_ray.entanglement.plan import (
    Demand,
    Estimate,
    asymptotic_bits,
    finite_bits,
    key_path_fidelity,
    key_path_seconds,
    route_key_seconds,
)
from ceas_ray.kernel.actor import Actor
from ceas_ray.kernel.codec import encode
from ceas_ray.kernel.envelope import Effect, Envelope, Mark, Observation, Send
from ceas_ray.kernel.streams import Streams
from ceas_ray.kernel.time import picoseconds, seconds
from ceas_ray.messages.frames import RESERVE_FRAMES
from ceas_ray.messages.pair_books import AUTHENTICATION, EXPIRED, TRAINING, USED
from ceas_ray.messages.payloads import (
    ADVERSARY,
    ENTANGLEMENT_MANAGER,
    HUB,
    Begin,
    GeneratePairs,
    GenerateRoutePairs,
    KeysDistilled,
    PlanFinished,
    RoundDecided,
    RoundGivenUp,
    RoundStarted,
    RoutePlanFinished,
    StockPolicy,
    StopWaiting,
    Timer,
    processor_link_name,
    processor_name,
    replica_link_name,
    replica_name,
)
from ceas_ray.messages.quorum import Quorums
from ceas_ray.messages.senders import may_send
from ceas_ray.network.link_parameters import LinkParameters
from ceas_ray.network.network_plan import NetworkPlan
from ceas_ray.network.route import Route, Served, path_fidelity
from ceas_ray.quantum.bell_pairs import key_rate
from ceas_ray.scheduling.perishable_chain import LinkClass
from ceas_ray.scheduling.scheduler import Scheduler

WARM_UP = -1
"""The round before the first; plans of the n-th refill have round -1 - n."""
MOST_EXTRA_VIEWS = 8
"""So many view changes of a round are made up for in the next one's keys: a longer row of them ends in a refill."""


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


@dataclass(frozen=True)
class OnStall:
    """What to do when the committee does not decide, or lacks the keys for a round.

    way: `stop` ends the run; `wait` distils a reserve of keys and waits on, at most `most_waits` times in a row; `skip`
    does the same and gives the round up: it asks the replicas to agree on SKIP, which leaves the model as it is. They
    decide it by the rules of consensus and by these alone, so that nothing that some replica decided is ever undone.
    """

    way: Literal["wait", "skip", "stop"] = "stop"
    most_waits: int = 0


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
        adversary: bool,
        train_on_pairs: bool,
        streams: Streams,
        on_stall: OnStall = OnStall(),
    ) -> None:
        """train_on_pairs: whether shots need pairs (teleported inputs).

        Raises ValueError for a demand that the network cannot serve.
        """
        self._network, self._swap_werner, self._demand = network, swap_werner, demand
        self._scheduler = scheduler
        self._policies: dict[LinkClass, StockPolicy] = {}
        self._timing, self._rounds = timing, rounds
        self._adversary, self._train_on_pairs, self._streams = adversary, train_on_pairs, streams
        self._processors, self._replicas = len(network.processor_routes), len(network.replica_routes)
        self._quorums = Quorums(self._replicas)
        self._phases = plan_phases(network, demand)
        shared = [part.pairs for group in network.groups for part in group.routes]
        most = max(shared, default=demand.pairs_per_shot)
        if demand.slots < most:
            raise ValueError(f"entanglement.slots must be at least the {most} pairs of a shot, got {demand.slots}")
        if network.routed and demand.finite_keys:
            raise ValueError("consensus.key_rate must be asymptotic in a network with routes, got finite")
        if network.routed and not network.swapped:
            raise ValueError(
                "links.swap_success must be 1 and entanglement.purification_rounds 0 where keys come from "
                "direct links, got others"
            )
        if network.routed and any(leg.attempt_dephasing > 0 for route in network.routes for leg in route.legs):
            raise ValueError("links.attempt_dephasing must be 0 in a network with routes, got more")
        rounds = network.processor_routes[0].swapping.purification_rounds
        if demand.slots < most + rounds:
            raise ValueError(
                f"entanglement.slots must be at least {most + rounds}, a shot's pairs and one per "
                f"round of purification, got {demand.slots}"
            )
        self.lookahead, self.own_lookahead = timing.planning_time, timing.control_delay
        self._round_index, self._started_at, self._plan_ends_at = WARM_UP, 0, 0
        self._decisions: dict[str, tuple[bytes, int]] = {}
        self._phase: Literal["before", "running", "over"] = "over"
        self._decided: RoundDecided | None = None
        self._view = 0
        self._counts = np.zeros((3, 5), np.int64)
        self._stored = 0
        self._link_books = self._empty_link_books()
        self._shots = np.zeros(2, np.int64)
        self._shrink_sum = np.zeros(demand.pairs_per_shot + 1)
        self._keys = KeyLedger(demand, self._processors, self._replicas, self._rounds)
        self._key_batches: list[tuple[str, str, int, float]] = []
        self._on_stall = on_stall
        self._waits = self._refills = 0
        self._raw_bits_of: dict[tuple[float, float], float] = {}
        self._seconds_of: dict[tuple[str, int], float] = {}
        self._plan_round(WARM_UP, 0)  # refuses an impossible demand before anything runs

    # --- what it answers ----------------------------------------------------------

    def handle(self, envelope: Envelope) -> Sequence[Effect]:
        """See `Actor`."""
        now = envelope.deliver_at
        if not may_send(envelope):
            return []
        match envelope.payload:
            case Begin():
                return [Send(now + self._timing.planning_time, self.name, Timer("start round", WARM_UP))]
            case Timer(purpose="start round", round_index=round_index):
                return self._start_round(round_index, now)
            case Timer(purpose="plan over"):
                return self._finish_warm_up(now)
            case Timer(purpose="stalled", round_index=round_index, number=number):
                current = round_index == self._round_index and number == self._waits
                return self._stall(now) if current and self._phase == "running" else []
            case Timer(purpose="refilled", round_index=round_index):
                return self._refilled(round_index, now)
            case Timer(purpose="round over"):
                return self._end_round(now)
            case PlanFinished() as finished:
                self._book(finished)
            case RoutePlanFinished() as finished:
                self._book_route(finished)
            case RoundDecided() as decided:
                return self._count_decision(envelope.sender, decided, now)
        return []

    def promise(self, now: int) -> int:
        """While a plan runs nothing is sent."""
        return self._plan_ends_at + self._timing.control_delay

    # --- rounds ----------------------------------------------------------

    def _start_round(self, round_index: int, now: int) -> list[Effect]:
        timing = self._timing
        if round_index != self._round_index:
            self._keys.end_round(min(self._view, MOST_EXTRA_VIEWS))
            self._keys.begin_round()
            self._round_index, self._started_at, self._waits, self._phase = round_index, now, 0, "before"
        if round_index != WARM_UP and self._keyed_replicas() < self._quorums.quorum:
            return self._stall(now)
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
        if round_index == WARM_UP:
            return [*effects, Send(self._plan_ends_at, self.name, Timer("plan over", round_index))]
        self._decisions, self._phase = {}, "running"
        if self._adversary:
            effects.append(Send(at, ADVERSARY, RoundStarted(*schedule, np.zeros(0))))
        replicas = self._replica_names
        processors = [processor_name(k) for k in range(self._processors)]
        for peers, names in ((replicas, processors), ([*processors, *replicas], replicas)):
            effects += [Send(at, name, RoundStarted(*schedule, self._keys.hand_out(name, peers))) for name in names]
        self._keys.forget_handed_out()
        effects.append(Send(times_out + timing.patience, self.name, Timer("stalled", round_index, self._waits)))
        return effects

    @property
    def _replica_names(self) -> list[str]:
        return [replica_name(j) for j in range(self._replicas)]

    # --- stalls ----------------------------------------------------------

    def _keyed_replicas(self) -> int:
        """How many replicas have a reserve of keys with each other, both ways: what they had left and what is new.

        It is for an echo and a view: with less no echo leaves, and nothing could be agreed on but to skip the round.

        Whoever lacks most goes first, so it may count too few, never too many. A liar spoils its own links alone.
        """
        reserve = self._demand.bits(RESERVE_FRAMES)
        names = self._replica_names
        good = {(a, b) for a in names for b in names if a != b and self._keys.between(a, b) >= reserve}
        linked = {(a, b) for a, b in good if (b, a) in good}
        while names:
            lacking = {a: sum(1 for b in names if b != a and (a, b) not in linked) for a in names}
            worst = max(names, key=lambda a: (lacking[a], a))
            if not lacking[worst]:
                break
            names.remove(worst)
        return len(names)

    def _stall(self, now: int) -> list[Effect]:
        """The committee did not decide in time, or has no keys: wait for another reserve of keys, or end the run."""
        if self._on_stall.way == "stop" or self._waits >= self._on_stall.most_waits:
            return self._end_stalled(now)
        self._waits += 1
        self._refills += 1
        number = WARM_UP - self._refills
        plans, ends = self._plan_round(number, now + self._timing.control_delay)
        effects: list[Effect] = [Send(now + self._timing.control_delay, name, plan) for name, plan in plans]
        self._plan_ends_at = ends + 2 * self._timing.control_delay
        return [*effects, Send(self._plan_ends_at, self.name, Timer("refilled", self._round_index))]

    def _refilled(self, round_index: int, now: int) -> list[Effect]:
        """The reserve is there: the round begins, or the one that runs gets it."""
        if self._phase == "before":
            return self._start_round(round_index, now)
        if self._phase == "over" or round_index != self._round_index:
            return []
        at = now + self._timing.control_delay
        replicas = self._replica_names
        processors = [processor_name(k) for k in range(self._processors)]
        effects: list[Effect] = [
            Send(at, name, KeysDistilled(round_index, self._keys.hand_out(name, peers)))
            for peers, names in ((replicas, processors), ([*processors, *replicas], replicas))
            for name in names
        ]
        self._keys.forget_handed_out()
        if self._on_stall.way == "skip":
            effects += [Send(at + 1, name, RoundGivenUp(round_index)) for name in replicas]
        return [*effects, Send(at + self._timing.patience, self.name, Timer("stalled", round_index, self._waits))]

    def _end_stalled(self, now: int) -> list[Effect]:
        """Say so and end the run without a decision in this round."""
        running, self._phase = self._phase == "running", "over"
        ends = now + self._timing.planning_time
        cause = "the committee did not decide in time" if running else "the committee lacks keys"
        observed = {"simulated_seconds": seconds(ends - self._started_at), "waits": self._waits, "cause": cause}
        stop = self._stop_waiting(ends)
        return [self._observation("stalled", observed), Mark(self._round_index, ends, None), *stop]

    def _stop_waiting(self, at: int) -> list[Effect]:
        """Nothing comes after this round: who lags may still catch up for a while, then all timers end."""
        over = at + self._timing.patience
        return [Send(over, replica_name(j), StopWaiting(self._round_index)) for j in range(self._replicas)]

    def _finish_warm_up(self, now: int) -> list[Effect]:
        starts = now + self._timing.planning_time
        return [self._observation("warm_up", {}), Send(starts, self.name, Timer("start round", 0))]

    def _count_decision(self, replica: str, decided: RoundDecided, now: int) -> list[Effect]:
        """A Byzantine replica's report counts for nothing but itself: what is taken from the reports is the same in
        2 f + 1 of them, and as the view that one which an honest replica, or a later one, decided in."""
        outcome = self._outcome(replica, decided)
        if outcome is None:
            return []
        self._keys.report(replica, decided)
        if self._phase != "running":
            return []
        self._decisions.setdefault(replica, (outcome, decided.view))
        if self._quorums.decided(other for other, _ in self._decisions.values()) != outcome:
            return []
        matching = sorted(view for other, view in self._decisions.values() if other == outcome)
        self._phase, self._decided, self._view = "over", decided, matching[-self._quorums.blocking]
        if now < self._plan_ends_at:  # a refill still runs, and its pairs belong to this round
            return [Send(self._plan_ends_at, self.name, Timer("round over", self._round_index))]
        return self._end_round(now)

    def _end_round(self, now: int) -> list[Effect]:
        decided, ends = self._decided, now + self._timing.planning_time
        assert decided is not None, "a round ends with a decision"
        observed = {
            "skipped": decided.skipped,
            "view": self._view,
            "processors": decided.processors,
            "weights": decided.weights,
            "quarantined": decided.quarantined,
            "waits": self._waits,
            "simulated_seconds": seconds(ends - self._started_at),
        }
        effects: list[Effect] = [self._observation("round", observed), Mark(self._round_index, ends, decided.model)]
        if self._round_index + 1 < self._rounds:
            return [*effects, Send(ends, self.name, Timer("start round", self._round_index + 1))]
        return [*effects, *self._stop_waiting(ends)]

    def _outcome(self, replica: str, decided: RoundDecided) -> bytes | None:
        """What a replica reports of the round that runs, as bytes to compare; None for a report that makes no sense."""
        if replica not in self._replica_names or type(decided.round_index) is not int or type(decided.view) is not int:
            return None
        if decided.round_index != self._round_index or decided.view < 0 or not self._are_key_bits(decided.key_bits):
            return None
        what = (decided.digest, decided.skipped, decided.processors, decided.weights, decided.model)
        try:
            return encode((*what, decided.quarantined))
        except (TypeError, ValueError, OverflowError):
            return None

    def _are_key_bits(self, said: Any) -> bool:
        shape = (2, self._processors + self._replicas)
        is_table = isinstance(said, np.ndarray) and said.dtype.kind == "i" and said.shape == shape
        return is_table and bool((said >= 0).all())

    # --- plans ----------------------------------------------------------

    def _plan_round(
        self, round_index: int, starts_at: int, wanted: Mapping[tuple[str, int], float] | None = None
    ) -> tuple[list[tuple[str, GeneratePairs | GenerateRoutePairs]], int]:
        """All plans of a round, by link manager, and when the last one ends.

        wanted: key bits of every path, from a party's name to a replica; None: what the ledger says.
        """
        if wanted is None:
            wanted = {(n, j): self._keys.wanted(n, replica_name(j), round_index) for n, j in self._paths()}
        plans: list[tuple[str, GeneratePairs | GenerateRoutePairs]] = []
        begin = starts_at
        for number, phase in enumerate(self._phases):
            members = phase.members
            releases = {k: self._releases(k, round_index) for k in members}
            served = max(self._shots_end(k, releases[k]) for k in members)
            key_lengths = self._key_lengths(phase, wanted)
            for k in members:
                plans.append((processor_link_name(k), self._processor_plan(
                    k, phase, round_index, begin, releases[k], served, key_lengths, wanted)))  # fmt: skip
            if number == 0:
                plans += [
                    (
                        replica_link_name(i),
                        self._replica_plan(i, phase, round_index, begin, served, key_lengths, wanted),
                    )
                    for i in range(self._replicas)
                ]
            begin += served + sum(key_lengths)
        return plans, begin

    def _releases(self, k: int, round_index: int) -> NDArray[np.int64]:
        demand = self._demand
        if not self._train_on_pairs:
            return np.zeros(0, np.int64)
        if round_index < WARM_UP:
            return np.zeros(0, np.int64)
        shots = demand.warm_up_test_shots if round_index == WARM_UP else demand.shots + demand.test_shots
        generator = self._streams.generator("link", processor_link_name(k), "demand", round_index)
        return demand.releases(self._network.served(k), shots, generator)

    def _shots_end(self, k: int, releases: NDArray[np.int64]) -> int:
        return int(releases[-1]) + self._demand.shot_deadline(self._network.served(k)) if len(releases) else 0

    def _processor_plan(
        self, k: int, phase: Phase, round_index: int, begin: int, releases: NDArray[np.int64], served: int,
        key_lengths: tuple[int, ...], wanted: Mapping[tuple[str, int], float],
    ) -> GeneratePairs | GenerateRoutePairs:  # fmt: skip
        is_test = np.zeros(len(releases), bool)
        if round_index == WARM_UP:
            is_test[:] = True
        elif len(releases):
            hub = self._streams.generator("hub", HUB, f"tests of {processor_link_name(k)}", round_index)
            is_test[hub.choice(len(releases), self._demand.test_shots, replace=False)] = True
        slots = {j: phase.processor_slots[k, j] for j in range(self._replicas)}
        peers = sorted(slots, key=lambda j: slots[j])
        return self._plan(
            processor_name(k), self._network.processor_routes[k], self._network.served(k), self._policies_of(k),
            round_index, begin, releases, is_test, served, key_lengths, [slots[j] for j in peers], peers, wanted,
        )  # fmt: skip

    def _replica_plan(
        self, i: int, phase: Phase, round_index: int, begin: int, served: int, key_lengths: tuple[int, ...],
        wanted: Mapping[tuple[str, int], float],
    ) -> GeneratePairs | GenerateRoutePairs:  # fmt: skip
        peers = list(range(i + 1, self._replicas))
        route = self._network.replica_routes[i]
        return self._plan(
            replica_name(i), route, route, ((self._demand.pairs_per_shot, self._policy(self._demand, route)),),
            round_index, begin, np.zeros(0, np.int64), np.zeros(0, bool), served, key_lengths,
            [phase.replica_slots[i, j] for j in peers], peers, wanted,
        )  # fmt: skip

    def _plan(
        self, name: str, route: Route, shots: Served, policies: tuple[tuple[int, StockPolicy], ...], round_index: int,
        begin: int, releases: NDArray[np.int64], is_test: NDArray[np.bool_], served: int, key_lengths: tuple[int, ...],
        slots: list[int], replicas: list[int], wanted: Mapping[tuple[str, int], float],
    ) -> GeneratePairs | GenerateRoutePairs:  # fmt: skip
        """route: of the keys; shots: whom shots ask for pairs; policies: with the pairs of a shot, of its routes."""
        demand = self._demand
        peers = tuple(replica_name(j) for j in replicas)
        bits = np.array([self._raw_bits(self._legs(name, route, j), wanted[name, j]) for j in replicas])
        deadline, useful_age = demand.shot_deadline(shots), demand.useful_age(shots)
        if self._network.routed:
            least = 0.0 if demand.least_fidelity is None else (4 * demand.least_fidelity - 1) / 3
            return GenerateRoutePairs(
                round_index, begin, releases, is_test, tuple(pairs for pairs, _ in policies), deadline,
                tuple(policy for _, policy in policies), useful_age, least,
                demand.slots, served, tuple(sum(key_lengths[:slot]) for slot in slots),
                tuple(key_lengths[slot] for slot in slots), peers, bits, demand.key_useful_age,
            )  # fmt: skip
        legs = [self._legs(name, route, j) for j in replicas]
        rows = np.array([[leg.row() for leg in path] for path in legs]).reshape(
            len(legs), len(legs[0]) if legs else 1, 5
        )
        return GeneratePairs(
            round_index, begin, releases, is_test, demand.pairs_per_shot, deadline, demand.shot_period(route),
            demand.burst_shots, policies[0][1], useful_age, demand.slots, served, key_lengths[0], tuple(slots), peers,
            bits, rows, demand.key_useful_age,
        )  # fmt: skip

    def _policies_of(self, k: int) -> tuple[tuple[int, StockPolicy], ...]:
        """Of every route that the shots of processor (or group) k need: the pairs of a shot, and the stock policy."""
        if not self._network.groups:
            return ((self._demand.pairs_per_shot, self._policy(self._demand, self._network.processor_routes[k])),)
        group = self._network.groups[k]
        return tuple(
            (part.pairs, self._policy(self._demand.of_route(part, group), part.route)) for part in group.routes
        )

    def _policy(self, demand: Demand, route: Route) -> StockPolicy:
        link = demand.link_class(route)
        if link not in self._policies:
            self._policies[link] = policy = self._scheduler.stock_policy(link)
            if self._network.routed and (policy.clairvoyant or policy.freshest_first):
                raise ValueError(
                    "scheduling must not be clairvoyant or freshest_first in a network with routes, got one of them"
                )
        return self._policies[link]

    def _legs(self, name: str, route: Route, replica: int) -> tuple[LinkParameters, ...]:
        """The links of a key path, from the party of that name to the replica."""
        if self._network.swapped:
            return (*reversed(route.legs), *self._network.replica_routes[replica].legs)
        return (self._network.direct_links[name, replica_name(replica)],)

    def _paths(self) -> Iterator[tuple[str, int]]:
        """All pairs of parties that share keys: the name of one, and the replica that the other is."""
        for j in range(self._replicas):
            yield from ((processor_name(k), j) for k in range(self._processors))
            yield from ((replica_name(i), j) for i in range(j))

    def _raw_bits(self, legs: tuple[LinkParameters, ...], bits: float) -> float:
        """The asymptotic bits that a path must distil for `bits` of key, with the margin where blocks are finite."""
        if not self._demand.finite_keys or bits == 0:
            return bits
        fidelity = round(key_path_fidelity(legs, self._swap_werner, self._demand), 3)
        if (fidelity, bits) not in self._raw_bits_of:
            self._raw_bits_of[fidelity, bits] = self._demand.key_margin * asymptotic_bits(fidelity, bits)
        return self._raw_bits_of[fidelity, bits]

    def _key_lengths(self, phase: Phase, wanted: Mapping[tuple[str, int], float]) -> tuple[int, ...]:
        """Of every key slot: long enough for what its paths want."""
        longest = [0.0] * phase.key_slots
        for (k, j), slot in phase.processor_slots.items():
            name, route = processor_name(k), self._network.processor_routes[k]
            longest[slot] = max(longest[slot], self._key_seconds(name, route, j, wanted[name, j]))
        for (i, j), slot in phase.replica_slots.items():
            name, route = replica_name(i), self._network.replica_routes[i]
            longest[slot] = max(longest[slot], self._key_seconds(name, route, j, wanted[name, j]))
        if not self._network.routed:
            longest = [max(longest)] * phase.key_slots
        return tuple(map(picoseconds, longest))

    def _key_seconds(self, name: str, route: Route, replica: int, bits: float) -> float:
        """How long a path needs for this many bits: as many times as long as for one."""
        legs = self._legs(name, route, replica)
        if (name, replica) not in self._seconds_of:
            self._seconds_of[name, replica] = (
                route_key_seconds(legs, self._network.processor_routes[0].swapping, 1.0, self._demand)
                if self._network.routed
                else key_path_seconds(legs, self._swap_werner, 1.0, self._demand)
            )
        return self._seconds_of[name, replica] * self._raw_bits(legs, bits)

    def estimate(self) -> Estimate:
        """What a good round in the middle of a run will cost, before any is run."""
        good = {(name, j): self._keys.good_round(name, replica_name(j)) for name, j in self._paths()}
        plans, ends = self._plan_round(0, 0, good)
        _, warm_up = self._plan_round(WARM_UP, 0)
        routes = {processor_link_name(k): route for k, route in enumerate(self._network.processor_routes)}
        routes |= {replica_link_name(j): route for j, route in enumerate(self._network.replica_routes)}
        link_pairs = {processor_link_name(k): self._link_pairs_per_shot(k) for k in range(self._processors)}
        bits = pairs = 0.0
        for name, plan in plans:
            raw = 2 ** routes[name].swapping.purification_rounds
            pairs += len(plan.releases) * link_pairs.get(name, 0) * raw
            for peer, wanted in zip(plan.key_peers, plan.key_bits_wanted, strict=True):
                legs = self._legs(name.removeprefix("link/"), routes[name], int(peer.removeprefix("replica/")))
                per_pair = float(key_rate(path_fidelity(legs, routes[name].swapping)))
                bits += float(wanted)
                pairs += float(wanted) * len(legs) * raw / max(1e-9, per_pair)
        return Estimate(pairs, bits, seconds(ends), seconds(warm_up))

    def _link_pairs_per_shot(self, k: int) -> int:
        """Pairs of single links that a shot of processor (or group) k spends."""
        if self._network.groups:
            return sum(part.pairs * len(part.route.legs) for part in self._network.groups[k].routes)
        return self._demand.pairs_per_shot * len(self._network.processor_routes[k].legs)

    # --- books ----------------------------------------------------------

    def _book(self, finished: PlanFinished) -> None:
        self._counts += finished.counts
        self._counts[AUTHENTICATION] += finished.leg_counts.sum(axis=0)
        self._stored += finished.stored
        pairs, key_bits = finished.leg_counts[:, USED], finished.key_bits
        if self._demand.finite_keys:
            key_bits = np.array([finite_bits(float(b), int(n)) for b, n in zip(key_bits, pairs, strict=True)])
        self._book_keys(finished, pairs, key_bits)
        self._book_shots(finished)

    def _book_route(self, finished: RoutePlanFinished) -> None:
        links = list(finished.links)
        self._counts += finished.link_counts.sum(axis=0)
        self._stored += int(finished.link_stored.sum())
        self._link_books[links, :, :5] += finished.link_counts
        self._link_books[links, TRAINING, 5] += finished.link_stored
        self._book_keys(finished, finished.key_pairs, finished.key_bits)
        self._book_shots(finished)

    def _book_keys(
        self, finished: PlanFinished | RoutePlanFinished, pairs: NDArray[np.int64], key_bits: NDArray[np.float64]
    ) -> None:
        """Store the bits of every path; the pairs of a block that yields none have expired. pairs: end to end."""
        owner = finished.link.removeprefix("link/")
        for peer, number, bits in zip(finished.key_peers, pairs.tolist(), key_bits.tolist(), strict=True):
            links = self._links_of(owner, peer)
            if bits > 0:
                self._keys.store(owner, peer, bits)
                self._key_batches.append((owner, peer, number * len(links), bits))
                continue
            self._counts[AUTHENTICATION, [USED, EXPIRED]] += np.array([-1, 1]) * number * len(links)
            for link in links if self._network.routed else ():
                self._link_books[link, AUTHENTICATION, [USED, EXPIRED]] += np.array([-1, 1]) * number

    def _links_of(self, owner: str, peer: str) -> tuple[int, ...]:
        """The links of a key path; one that is on both of its routes counts twice."""
        if not self._network.swapped:
            return (-1,)
        kind, _, index = owner.partition("/")
        routes = self._network.processor_routes if kind == "processor" else self._network.replica_routes
        other = self._network.replica_routes[int(peer.removeprefix("replica/"))]
        return (*routes[int(index)].links, *other.links)

    def _book_shots(self, finished: PlanFinished | RoutePlanFinished) -> None:
        self._shots += (finished.shots, finished.shots_on_time)
        if finished.shots and finished.round_index >= 0:
            self._shrink_sum += finished.shrink

    def _observation(self, name: str, more: dict[str, Any]) -> Observation:
        """What came of all plans since the last observation."""
        values = {
            "counts": self._counts,
            "stored": self._stored,
            "shots": int(self._shots[0]),
            "shots_on_time": int(self._shots[1]),
            "shrink": self._shrink_sum / self._processors,
            "key_bits": math.fsum(bits for *_, bits in self._key_batches),
            "key_batches": tuple(self._key_batches),
        }
        if self._network.routed:
            values["link_books"] = self._link_books
        self._clear_books()
        return Observation(name, values | more)

    def _empty_link_books(self) -> NDArray[np.int64]:
        """Of every physical link and use: generated, used, late, expired, sacrificed, stored; none without routes."""
        return np.zeros((len(self._network.ends) if self._network.routed else 0, 3, 6), np.int64)

    def _clear_books(self) -> None:
        """Begin new books: what is left in stock is given up when the next plan starts, so it expires in them."""
        left, by_link = self._stored, self._link_books[:, TRAINING, 5]
        self._counts = np.zeros((3, 5), np.int64)
        self._link_books = self._empty_link_books()
        self._counts[TRAINING, EXPIRED] = left
        self._link_books[:, TRAINING, EXPIRED] = by_link
        self._stored = 0
        self._shots = np.zeros(2, np.int64)
        self._shrink_sum = np.zeros_like(self._shrink_sum)
        self._key_batches = []

    def snapshot(self) -> Any:
        """See `Actor`."""
        return (
            self._round_index, self._started_at, self._plan_ends_at, self._decisions, self._phase, self._decided,
            self._view, self._counts, self._stored, self._shots, self._shrink_sum, self._link_books, self._waits,
            self._refills, self._key_batches, self._keys.snapshot(),
        )  # fmt: skip

    def restore(self, state: Any) -> None:
        """See `Actor`."""
        self._round_index, self._started_at, self._plan_ends_at, decisions, self._phase = state[:5]
        self._decisions = dict(decisions)
        self._decided, self._view = state[5:7]
        self._counts, self._stored, self._shots = np.array(state[7]), state[8], np.array(state[9])
        self._shrink_sum, self._link_books = np.array(state[10]), np.array(state[11])
        self._waits, self._refills = state[12:14]
        self._key_batches = [tuple(batch) for batch in state[14]]
        self._keys.restore(state[15])
