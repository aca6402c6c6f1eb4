"""A link manager: carries out plans on the routes of one party, and on its key paths."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import reduce
from hashlib import blake2b
from operator import add
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ceas_ray.kernel.actor import SharingActor
from ceas_ray.kernel.envelope import Answer, Effect, Envelope, Send, SharedCall
from ceas_ray.kernel.streams import Streams
from ceas_ray.links.consumers.deliveries import serve_requests
from ceas_ray.links.consumers.shot_demand import ShotDemand
from ceas_ray.links.consumers.shots import ShotBooks
from ceas_ray.links.consumers.stock import StockRule, read_only, stock_rule
from ceas_ray.links.engine.route import RouteBatch, RouteModel, RouteRules, RouteState, route_rules
from ceas_ray.links.plan_work import KeyDemand, PlanDone, PlanWork, ShotsOnRoute, carry_out
from ceas_ray.messages.pair_books import AUTHENTICATION, LATE, TRAINING, USED
from ceas_ray.messages.payloads import (
    ENTANGLEMENT_MANAGER,
    HUB,
    GeneratePairs,
    GeneratePairsInParallel,
    PlanFinished,
    RequestsServed,
    ServeRequests,
    ShotsDelivered,
    StockPolicy,
    TestOutcomes,
    processor_name,
)
from ceas_ray.network.group import ProcessorGroup
from ceas_ray.network.parallel_routes import ParallelRoutes
from ceas_ray.network.route import Route
from ceas_ray.quantum.contrast import attenuation_of_pairs
from ceas_ray.quantum.mixed_pairs import NO_PAIRS, PairNodes, pair_nodes


class _BookedLinks(NamedTuple):
    """The physical links of a plan's routes and key paths, ascending, and the place among them of every leg: of each
    route (N,), and of all key paths.

    A link that is on several of them, or on one twice, is booked as often, as it is leased.
    """

    links: tuple[int, ...]
    of_routes: tuple[NDArray[np.int64], ...]
    of_paths: NDArray[np.int64]

    @classmethod
    def of(cls, routes: Sequence[Route], paths: Iterable[Route]) -> _BookedLinks:
        on_paths = [link for path in paths for link in path.links]
        links = np.unique([*(link for route in routes for link in route.links), *on_paths])
        of_routes = tuple(np.searchsorted(links, route.links) for route in routes)
        return cls(tuple(links.tolist()), of_routes, np.searchsorted(links, np.array(on_paths, np.int64)))


class _ShotOutcomes(NamedTuple):
    """What became of a plan's shots: on_time and is_test, bool (shots,); of each route that every shot needs its books.

    over: when the last shot is over, ps.
    """

    on_time: NDArray[np.bool_]
    is_test: NDArray[np.bool_]
    books: tuple[ShotBooks, ...]
    over: int


def _over(plan: GeneratePairs) -> int:
    """Return when the last shot of a plan is over, ps."""
    return plan.starts_at + int(plan.releases[-1]) + plan.shot_deadline


def _on_all(plan: GeneratePairs, of_routes: Sequence[ShotBooks]) -> _ShotOutcomes:
    """Return what became of shots each of which needs pairs of all these routes; correct the routes' books."""
    if len(of_routes) == 1:
        return _ShotOutcomes(of_routes[0].on_time, plan.is_test, tuple(of_routes), _over(plan))
    on_time = np.all([of_route.on_time for of_route in of_routes], axis=0)
    for of_route in of_routes:
        late_elsewhere = np.count_nonzero(of_route.on_time & ~on_time & ~plan.is_test) * of_route.werner.shape[1]
        of_route.counts[:, TRAINING, USED] -= late_elsewhere
        of_route.counts[:, TRAINING, LATE] += late_elsewhere
    return _ShotOutcomes(on_time, plan.is_test, tuple(of_routes), _over(plan))


def _in_parallel(parts: Sequence[GeneratePairs], of_routes: Sequence[ShotBooks]) -> _ShotOutcomes:
    """Return what became of shots that are divided over these routes. All are told in the order of their releases."""
    order = np.argsort(np.concatenate([part.releases for part in parts]), kind="stable")
    together = of_routes[0]._replace(
        on_time=np.concatenate([of_route.on_time for of_route in of_routes])[order],
        werner=np.concatenate([of_route.werner for of_route in of_routes])[order],
        tested=np.sum([of_route.tested for of_route in of_routes], axis=0),
        errors=np.sum([of_route.errors for of_route in of_routes], axis=0),
    )
    is_test = np.concatenate([part.is_test for part in parts])[order]
    over = max(_over(part) for part in parts if len(part.releases))
    return _ShotOutcomes(together.on_time, is_test, (together,), over)


class LinkManager(SharingActor):
    """Simulates a whole plan when it receives it; each report is delivered when its part is over, plus L / c.

    A plan needs no state of the one before: what is left in stock at its end is too old for the next.

    The shots of a group of processors that share a circuit need pairs of several routes: each route has channels and
    slots of its own on every leg (leases), and a shot is on time if it is on every route. Pairs of a shot that is late
    on another route are late; a test is of pairs, so it counts on each route for itself. Of routes in parallel each
    serves shots of its own. Ours.
    """

    def __init__(
        self,
        name: str,
        route: Route,
        *,
        key_routes: Mapping[str, Route],
        processor: int | None,
        report_delay: int,
        streams: Streams,
        served: ProcessorGroup | ParallelRoutes | None = None,
    ) -> None:
        """processor: whom the route serves (None: a replica). report_delay: of every report, ps, >= L / c.

        key_routes: from the party to each peer that it has keys with, by the peer's name. served: a group whose shots
        spend pairs of several routes (its leader is then the processor), or routes over which shots are divided.
        """
        self.name = name
        self.key_routes, self._processor = dict(key_routes), processor
        self._report_delay, self._streams = report_delay, streams
        self._group = served if isinstance(served, ProcessorGroup) else None
        self._shot_routes: tuple[Route, ...] = (route,)
        if isinstance(served, ParallelRoutes):
            self._shot_routes = served.routes
        elif served is not None:
            self._shot_routes = tuple(part.route for part in served.routes)
        self._shot_models = tuple(RouteModel.of(r.legs, r.swapping) for r in self._shot_routes)
        self._key_models: dict[str, RouteModel] = {}
        self._stock_rules: dict[int, tuple[StockPolicy, int, StockRule]] = {}
        self._key_batches: dict[tuple[tuple[str, ...], RouteRules], RouteBatch] = {}
        self._booked: dict[tuple[str, ...], _BookedLinks] = {}
        self.lookahead = self.own_lookahead = report_delay

    def _key_model(self, peer: str) -> RouteModel:
        """Return the key route to a peer, ready for compiled functions; made when it is first needed."""
        if peer not in self._key_models:
            route = self.key_routes[peer]
            self._key_models[peer] = RouteModel.of(route.legs, route.swapping)
        return self._key_models[peer]

    def _key_batch(self, peers: tuple[str, ...], rules: RouteRules) -> RouteBatch:
        """Return the key routes to these peers; those of the last plan are kept, since the next one's are the same."""
        if (peers, rules) not in self._key_batches:
            models = [self._key_model(peer) for peer in peers]
            self._key_batches = {(peers, rules): RouteBatch(models, rules)}
        return self._key_batches[peers, rules]

    def begin(self, envelope: Envelope) -> Answer:
        """See `Actor`."""
        plan = envelope.payload
        if isinstance(plan, ServeRequests):
            return [self._serve_requests(plan, envelope.sender)]
        parts = plan.parts if isinstance(plan, GeneratePairsInParallel) else (plan,)
        plan = parts[0]
        if not isinstance(plan, GeneratePairs):
            raise TypeError(f"{self.name} cannot handle {type(plan).__name__}")
        if not envelope.deliver_at <= plan.starts_at:
            raise ValueError(f"{self.name}: a plan must come before it starts at {plan.starts_at} ps")
        size = sum(len(part.releases) * sum(part.pairs_per_shot) for part in parts)
        return SharedCall(carry_out, self._work(parts), lambda done: self._reports(parts, done), size)

    # --- what a plan asks ----------------------------------------------------------

    def _work(self, parts: Sequence[GeneratePairs]) -> PlanWork:
        """Return what a plan asks. parts: of routes in parallel each one's; else one plan for all routes.

        The first route draws from the plan's stream, each other from its own.
        """
        plan = parts[0]
        shots: tuple[ShotsOnRoute, ...] = ()
        if any(len(part.releases) for part in parts):
            asked = (
                [(part, 0) for part in parts] if len(parts) > 1 else [(plan, r) for r in range(len(self._shot_routes))]
            )
            shots = tuple(self._shots_on(r, part, place) for r, (part, place) in enumerate(asked))
        purposes = ["pairs", *(f"pairs of route {r}" for r in range(1, len(shots)))]
        streams = tuple(self._streams.key(self.kind, self.name, purpose, plan.round_index) for purpose in purposes)
        rules = RouteRules(plan.slots, plan.key_useful_age, 0.0, corrected=False, stops=True)
        starts = plan.starts_at + np.array(plan.key_starts, np.int64)
        until = starts + np.array(plan.key_lengths, np.int64)
        keys = KeyDemand(self._key_batch(plan.key_peers, rules), starts, until, plan.key_bits_wanted)
        return PlanWork(streams, shots, keys)

    def _shots_on(self, r: int, plan: GeneratePairs, place: int) -> ShotsOnRoute:
        """Return what the shots ask of route r. place: of the route in the plan."""
        route = self._shot_routes[r]
        rules = route_rules(
            route.legs, route.swapping, slots=plan.slots, useful_age=plan.useful_age, min_fidelity=plan.min_fidelity,
            corrected=True, stops=False,
        )  # fmt: skip
        demand = ShotDemand(
            start=plan.starts_at,
            releases=read_only(plan.releases),
            is_test=read_only(plan.is_test),
            pairs=plan.pairs_per_shot[place],
            offset=plan.pair_offsets[place],
            deadline=plan.shot_deadline,
            slot=plan.shot_period,
            burst=plan.burst_shots,
        )
        rule = self._stock_rule(r, plan.policies[place], plan.slots)
        return ShotsOnRoute(self._shot_models[r].alone(rules), rule, demand)

    def _stock_rule(self, r: int, policy: StockPolicy, slots: int) -> StockRule:
        """Return the rule of a policy on route r; that of the last plan is kept, whose policy mostly is the next's."""
        known = self._stock_rules.get(r)
        if known is None or known[0] is not policy or known[1] != slots:
            known = self._stock_rules[r] = (policy, slots, stock_rule(policy, slots))
        return known[2]

    # --- what became of it ----------------------------------------------------------

    def _reports(self, parts: Sequence[GeneratePairs], done: PlanDone) -> list[Effect]:
        """Return the envelopes that tell what became of a plan."""
        plan, hasher = parts[0], blake2b(digest_size=16)
        for of_route, _ in done.shots:
            hasher.update(of_route.events.data)
            hasher.update(of_route.werner.data)
        hasher.update(done.trace.data)
        hasher.update(done.bits.data)
        served = _ShotOutcomes(np.zeros(0, bool), np.zeros(0, bool), (), 0)
        effects: list[Effect] = []
        attenuation = np.ones(sum(plan.pairs_per_shot) + 1)
        if done.shots:
            of_routes = [of_route for of_route, _ in done.shots]
            served = _on_all(plan, of_routes) if len(parts) == 1 else _in_parallel(parts, of_routes)
            attenuation, effects = self._shot_reports(plan, served)
        links, counts, stored = self._books(plan, done)
        finished = PlanFinished(
            round_index=plan.round_index,
            link=self.name,
            links=links,
            link_counts=counts,
            link_stored=stored,
            shots=len(served.on_time),
            shots_on_time=int(np.count_nonzero(served.on_time)),
            key_peers=plan.key_peers,
            key_pairs=done.pairs,
            key_bits=np.minimum(done.bits, plan.key_bits_wanted),
            attenuation=attenuation,
            trace=hasher.digest(),
        )
        ends = max([_over(part) for part in parts if len(part.releases)], default=plan.starts_at)
        keys_end = plan.starts_at + max(map(add, plan.key_starts, plan.key_lengths), default=0)
        return [*effects, Send(max(ends, keys_end) + self._report_delay, ENTANGLEMENT_MANAGER, finished)]

    def _books(
        self, plan: GeneratePairs, done: PlanDone
    ) -> tuple[tuple[int, ...], NDArray[np.int64], NDArray[np.int64]]:
        """Return the physical links of a plan, and by link what became of its pairs, (links, 3, 5), and what is left in
        stock, (links,).
        """
        if plan.key_peers not in self._booked:
            paths = (self.key_routes[peer] for peer in plan.key_peers)
            self._booked = {plan.key_peers: _BookedLinks.of(self._shot_routes, paths)}
        booked = self._booked[plan.key_peers]
        counts, stored = np.zeros((len(booked.links), 3, 5), np.int64), np.zeros(len(booked.links), np.int64)
        for places, (of_route, stock) in zip(booked.of_routes, done.shots, strict=False):
            np.add.at(counts, places, of_route.counts)
            np.add.at(stored, places, stock)
        np.add.at(counts[:, AUTHENTICATION], booked.of_paths, done.key_books)
        return booked.links, counts, stored

    def _shot_reports(self, plan: GeneratePairs, served: _ShotOutcomes) -> tuple[NDArray[np.float64], list[Effect]]:
        """Return m_s over all pairs of the on-time training shots, and the envelopes that tell the hub and the
        processor.
        """
        training = served.on_time & ~served.is_test
        spent = [of_route.werner[training] for of_route in served.books]
        attenuation = np.ones(sum(plan.pairs_per_shot) + 1)
        if training.any():
            attenuation = attenuation_of_pairs(spent[0] if len(spent) == 1 else np.concatenate(spent, axis=1))
        if self._processor is None:
            return attenuation, []
        over = served.over + self._report_delay
        tested = reduce(np.add, (of_route.tested for of_route in served.books))
        errors = reduce(np.add, (of_route.errors for of_route in served.books))
        reports: list[Effect] = [
            Send(
                over,
                HUB,
                TestOutcomes(
                    round_index=plan.round_index,
                    processor=self._processor,
                    tested=tested,
                    announced=tested,
                    errors=errors,
                ),
            )
        ]
        if plan.round_index >= 0:
            nodes = self._nodes(spent)
            delivered = ShotsDelivered(
                round_index=plan.round_index,
                on_time=served.on_time[~served.is_test],
                attenuation=attenuation if self._group is None else np.zeros(0),
                werner=nodes.werner,
                coefficients=nodes.coefficients,
            )
            reports.append(Send(over, processor_name(self._processor), delivered))
        return attenuation, reports

    def _nodes(self, spent: Sequence[Any]) -> PairNodes:
        """Return the nodes that give the mean over the shots of a shared circuit; without any such shot nobody asks for
        its value.
        """
        if self._group is None:
            return NO_PAIRS
        if not len(spent[0]):
            spent = [np.ones((1, pairs.shape[1])) for pairs in spent]
        return pair_nodes(spent, [part.places for part in self._group.routes])

    # --- requests ----------------------------------------------------------

    def _serve_requests(self, plan: ServeRequests, asker: str) -> Effect:
        generator = self._streams.generator(self.kind, self.name, "requests", plan.round_index)
        (route,), (model,) = self._shot_routes, self._shot_models
        rules = route_rules(
            route.legs, route.swapping, slots=plan.slots, useful_age=plan.useful_age, min_fidelity=None,
            corrected=True, stops=False,
        )  # fmt: skip
        state = RouteState(generator, model, rules, plan.starts_at)
        sums, stored = serve_requests(
            state, generator, until=plan.starts_at + plan.length, mean_wait=float(plan.mean_wait)
        )
        served = RequestsServed(
            round_index=plan.round_index,
            link=self.name,
            counts=state.books,
            stored=stored,
            requests=int(sums[0]),
            fidelity=sums[3] / max(1.0, sums[1]),
            trace=blake2b(sums.tobytes(), digest_size=16).digest(),
        )
        return Send(plan.starts_at + plan.length + self._report_delay, asker, served)
