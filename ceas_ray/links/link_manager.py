"""A link manager: carries out plans on the routes of one party, and on its key paths."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import blake2b
from operator import add
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ceas_ray.kernel.actor import Actor
from ceas_ray.kernel.envelope import Effect, Envelope, Send
from ceas_ray.kernel.streams import Streams
from ceas_ray.links.consumers.deliveries import serve_requests
from ceas_ray.links.consumers.keys import distil_paths
from ceas_ray.links.consumers.shots import ShotBooks, ShotDemand, serve_shots
from ceas_ray.links.consumers.stock import StockRule, read_only, stock_rule
from ceas_ray.links.engine.route import RouteBatch, RouteModel, RouteRules, RouteState, RouteStates, route_rules
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

ALL_USES = slice(None)


class _LinkBooks:
    """Books of a plan by physical link: links, counts (links, 3, 5), stored (links,)."""

    def __init__(self, routes: Sequence[Route]) -> None:
        self.links = tuple(sorted({link for route in routes for link in route.links}))
        self._place = {link: place for place, link in enumerate(self.links)}
        self.counts = np.zeros((len(self.links), 3, 5), np.int64)
        self.stored = np.zeros(len(self.links), np.int64)

    def add(self, routes: Sequence[Route], counts: NDArray[np.int64], use: int | slice = ALL_USES) -> None:
        """Book what became of the pairs of these routes, leg by leg; a link that is on them twice is booked twice, as
        it is leased.

        counts: (legs of all routes, 3, 5), or (legs, 5) of one use.
        """
        places = [self._place[link] for route in routes for link in route.links]
        np.add.at(self.counts[:, use], places, counts)

    def store(self, route: Route, stock: NDArray[np.int64]) -> None:
        """Book what is left in stock, stock (legs,)."""
        for link, of_leg in zip(route.links, stock.tolist(), strict=True):
            self.stored[self._place[link]] += of_leg


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


class LinkManager(Actor):
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

    def handle(self, envelope: Envelope) -> Sequence[Effect]:
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
        return self._carry_out(plan, parts)

    def _carry_out(self, plan: GeneratePairs, parts: Sequence[GeneratePairs]) -> list[Effect]:
        """Carry out a plan. parts: of routes in parallel each one's, `plan` being the first; else `plan` alone."""
        generator = self._streams.generator(self.kind, self.name, "pairs", plan.round_index)
        key_routes = [self.key_routes[peer] for peer in plan.key_peers]
        books, hasher = _LinkBooks([*self._shot_routes, *key_routes]), blake2b(digest_size=16)
        served = _ShotOutcomes(np.zeros(0, bool), np.zeros(0, bool), (), 0)
        effects: list[Effect] = []
        attenuation = np.ones(sum(plan.pairs_per_shot) + 1)
        if any(len(part.releases) for part in parts):
            of_one = self._serve_shots if len(parts) == 1 else self._serve_in_parallel
            served = of_one(parts, generator, books, hasher)
            attenuation, effects = self._reports(plan, served)
        key_pairs, bits = self._distil(plan, key_routes, generator=generator, books=books, hasher=hasher)
        shots_end = max(
            (int(part.releases[-1]) + part.shot_deadline for part in parts if len(part.releases)), default=0
        )
        keys_end = max(map(add, plan.key_starts, plan.key_lengths), default=0)
        finished = PlanFinished(
            round_index=plan.round_index,
            link=self.name,
            links=books.links,
            link_counts=books.counts,
            link_stored=books.stored,
            shots=len(served.on_time),
            shots_on_time=int(served.on_time.sum()),
            key_peers=plan.key_peers,
            key_pairs=key_pairs,
            key_bits=bits,
            attenuation=attenuation,
            trace=hasher.digest(),
        )
        ends = plan.starts_at + max(shots_end, keys_end)
        return [*effects, Send(ends + self._report_delay, ENTANGLEMENT_MANAGER, finished)]

    # --- shots ----------------------------------------------------------

    def _serve_shots(
        self, parts: Sequence[GeneratePairs], generator: np.random.Generator, books: _LinkBooks, hasher: Any
    ) -> _ShotOutcomes:
        """Serve the shots of the only part, each on all routes."""
        (plan,) = parts
        of_routes, stocks = [], []
        for r in range(len(self._shot_routes)):
            of_route, stock = self._serve_on(plan, r, r, self._generator_of(r, plan, generator))
            hasher.update(of_route.events.tobytes() + of_route.werner.tobytes())
            of_routes.append(of_route)
            stocks.append(stock)
        on_time = of_routes[0].on_time
        if len(of_routes) > 1:
            on_time = np.all([of_route.on_time for of_route in of_routes], axis=0)
        for route, of_route, stock in zip(self._shot_routes, of_routes, stocks, strict=True):
            if len(of_routes) > 1:
                late_elsewhere = np.count_nonzero(of_route.on_time & ~on_time & ~plan.is_test)
                of_route.counts[:, TRAINING, USED] -= late_elsewhere * of_route.werner.shape[1]
                of_route.counts[:, TRAINING, LATE] += late_elsewhere * of_route.werner.shape[1]
            books.add([route], of_route.counts)
            books.store(route, stock)
        return _ShotOutcomes(on_time, plan.is_test, tuple(of_routes), _over(plan))

    def _serve_in_parallel(
        self, parts: Sequence[GeneratePairs], generator: np.random.Generator, books: _LinkBooks, hasher: Any
    ) -> _ShotOutcomes:
        """Serve the shots of each part on its own route. All of them are told in the order of their releases."""
        of_routes = []
        for r, (part, route) in enumerate(zip(parts, self._shot_routes, strict=True)):
            of_route, stock = self._serve_on(part, r, 0, self._generator_of(r, part, generator))
            hasher.update(of_route.events.tobytes() + of_route.werner.tobytes())
            books.add([route], of_route.counts)
            books.store(route, stock)
            of_routes.append(of_route)
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

    def _generator_of(self, r: int, plan: GeneratePairs, first: np.random.Generator) -> np.random.Generator:
        """Return what route r draws from: the first one from the plan's stream, each other from its own."""
        if r == 0:
            return first
        return self._streams.generator(self.kind, self.name, f"pairs of route {r}", plan.round_index)

    def _serve_on(
        self, plan: GeneratePairs, r: int, place: int, generator: np.random.Generator
    ) -> tuple[ShotBooks, NDArray[np.int64]]:
        """Serve what the shots ask of route r. place: of the route in the plan."""
        route, model = self._shot_routes[r], self._shot_models[r]
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
        state = RouteState(generator, model, rules, plan.starts_at)
        return serve_shots(state, self._stock_rule(r, plan.policies[place], plan.slots), demand)

    def _stock_rule(self, r: int, policy: StockPolicy, slots: int) -> StockRule:
        """Return the rule of a policy on route r; that of the last plan is kept, whose policy mostly is the next's."""
        known = self._stock_rules.get(r)
        if known is None or known[0] is not policy or known[1] != slots:
            known = self._stock_rules[r] = (policy, slots, stock_rule(policy, slots))
        return known[2]

    def _reports(self, plan: GeneratePairs, served: _ShotOutcomes) -> tuple[NDArray[np.float64], list[Effect]]:
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
        tested, errors = (
            np.sum([getattr(of_route, name) for of_route in served.books], axis=0) for name in ("tested", "errors")
        )
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

    # --- keys ----------------------------------------------------------

    def _distil(
        self, plan: GeneratePairs, routes: Sequence[Route], *, generator: np.random.Generator, books: _LinkBooks,
        hasher: Any,
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:  # fmt: skip
        """Distil keys, and return the end-to-end pairs and key bits with each peer."""
        starts = plan.starts_at + np.asarray(plan.key_starts, np.int64)
        rules = RouteRules(plan.slots, plan.key_useful_age, 0.0, corrected=False, stops=True)
        states = RouteStates(generator, self._key_batch(plan.key_peers, rules), starts)
        until = starts + np.asarray(plan.key_lengths, np.int64)
        found = distil_paths(states, until, plan.key_bits_wanted)
        books.add(routes, states.books, AUTHENTICATION)
        hasher.update(found.trace.tobytes() + found.bits.tobytes())
        return found.pairs, np.minimum(found.bits, plan.key_bits_wanted)

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
