"""A route manager: carries out plans on a route of several links, simulated as one group."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ceas_ray.kernel.actor import Actor
from ceas_ray.kernel.envelope import Effect, Envelope, Send
from ceas_ray.kernel.streams import Streams
from ceas_ray.links.route_loop import run_route_keys, run_route_shots
from ceas_ray.links.simulate_route import leg_rows, route_rules
from ceas_ray.messages.pair_books import AUTHENTICATION, LATE, TRAINING, USED
from ceas_ray.messages.payloads import (
    ENTANGLEMENT_MANAGER,
    HUB,
    GenerateRoutePairs,
    RoutePlanFinished,
    ShotsDelivered,
    TestOutcomes,
    processor_name,
)
from ceas_ray.network.group import Group
from ceas_ray.network.route import Route
from ceas_ray.quantum.contrast import attenuation_of_pairs
from ceas_ray.quantum.mixed_pairs import NO_PAIRS, PairNodes, pair_nodes


class _RouteShots(NamedTuple):
    """What became of a plan's shots on one route: counts (legs, 3, 5), stored (legs,), on_time (shots,), werner (shots,
    pairs), tested and errors (3,)."""

    counts: Any
    stored: Any
    on_time: Any
    werner: Any
    tested: Any
    errors: Any


class RouteManager(Actor):
    """As `LinkManager`, for a route of several links, or swaps that can fail, or purification.

    Of the stock policy its limits hold, for every leg: the table of a decision process is for a link of its own.
    Keys with a peer come from pairs over this route and the peer's, swapped at the hub between them as everywhere.

    For a group of processors that share a circuit it runs the routes between them: each has channels and slots of its
    own on every leg (leases), all have the same releases, and a shot is on time if it is on every route (ours). Pairs
    of a shot that is late on another route are late; a test is of pairs, so it counts on each route for itself.
    """

    def __init__(
        self,
        name: str,
        route: Route,
        peers: Mapping[str, Route],
        processor: int | None,
        report_delay: int,
        streams: Streams,
        group: Group | None = None,
    ) -> None:
        """processor: whom the route serves (None: a replica). report_delay: of every report, ps, >= L / c.

        group: whose shots spend pairs of several routes; its leader is then the processor.
        """
        self.name = name
        self._route, self._peers, self._processor = route, peers, processor
        self._report_delay, self._streams, self._group = report_delay, streams, group
        self._shot_routes = (route,) if group is None else tuple(part.route for part in group.routes)
        self.lookahead = self.own_lookahead = report_delay

    def handle(self, envelope: Envelope) -> Sequence[Effect]:
        """See `Actor`."""
        plan = envelope.payload
        if not isinstance(plan, GenerateRoutePairs):
            raise TypeError(f"{self.name} cannot handle {type(plan).__name__}")
        if not envelope.deliver_at <= plan.starts_at:
            raise ValueError(f"{self.name}: a plan must come before it starts at {plan.starts_at} ps")
        rng = self._streams.generator(self.kind, self.name, "pairs", plan.round_index)
        paths = [self._route, *self._shot_routes, *(self._peers[peer] for peer in plan.key_peers)]
        links = tuple(sorted({link for path in paths for link in path.links}))
        counts, stored = np.zeros((len(links), 3, 5), np.int64), np.zeros(len(links), np.int64)
        hasher = blake2b(digest_size=16)
        effects: list[Effect] = []
        attenuation, on_time = np.ones(sum(plan.pairs_per_shot) + 1), np.zeros(0, bool)
        if len(plan.releases):
            runs = [self._serve_shots(plan, r, rng, hasher) for r in range(len(self._shot_routes))]
            on_time = np.all([run.on_time for run in runs], axis=0)
            for route, run in zip(self._shot_routes, runs, strict=True):
                own = [links.index(link) for link in route.links]
                late_elsewhere = np.count_nonzero(run.on_time & ~on_time & ~plan.is_test) * run.werner.shape[1]
                run.counts[:, TRAINING, USED] -= late_elsewhere
                run.counts[:, TRAINING, LATE] += late_elsewhere
                np.add.at(counts, own, run.counts)
                np.add.at(stored, own, run.stored)
            attenuation, reports = self._reports(plan, on_time, runs)
            effects += reports
        key_pairs, bits = self._distil(plan, rng, links, counts, hasher)
        parts = zip(plan.key_starts, plan.key_lengths, strict=True)
        ends = plan.starts_at + plan.key_starts_at + max((start + length for start, length in parts), default=0)
        finished = RoutePlanFinished(
            round_index=plan.round_index,
            link=self.name,
            links=links,
            link_counts=counts,
            link_stored=stored,
            shots=len(on_time),
            shots_on_time=int(on_time.sum()),
            key_peers=plan.key_peers,
            key_pairs=key_pairs,
            key_bits=bits,
            attenuation=attenuation,
            trace=hasher.digest(),
        )
        effects.append(Send(ends + self._report_delay, ENTANGLEMENT_MANAGER, finished))
        return effects

    def _serve_shots(self, plan: GenerateRoutePairs, r: int, rng: np.random.Generator, hasher: Any) -> _RouteShots:
        """The shots of a plan on route r; the first route draws from the plan's stream, others have their own."""
        route, pairs, policy = self._shot_routes[r], plan.pairs_per_shot[r], plan.policies[r]
        if r > 0:
            rng = self._streams.generator(self.kind, self.name, f"pairs of route {r}", plan.round_index)
        shots, events = len(plan.releases), np.zeros((len(plan.releases), 2))
        run = _RouteShots(
            np.zeros((len(route.legs), 3, 5), np.int64), np.zeros(len(route.legs), np.int64), np.zeros(shots, bool),
            np.zeros((shots, pairs)), np.zeros(3, np.int64), np.zeros(3, np.int64),
        )  # fmt: skip
        rows, latencies = leg_rows(route.legs)
        rules, odds = route_rules(route.swapping, plan.slots, plan.useful_age, plan.min_werner, corrected=True)
        run.stored[:] = run_route_shots(
            rng, rows, latencies, rules, odds, plan.starts_at, np.array(plan.releases), np.array(plan.is_test),
            pairs, plan.shot_deadline, policy.gap_limit, policy.burst_limit, policy.demand_driven,
            run.counts, run.on_time, run.werner, run.tested, run.errors, events,
        )  # fmt: skip
        hasher.update(events.tobytes() + run.werner.tobytes())
        return run

    def _reports(self, plan: GenerateRoutePairs, on_time: Any, runs: Sequence[_RouteShots]) -> Any:
        """m_s over all pairs of the on-time training shots, and the envelopes that tell the hub and the processor."""
        training = on_time & ~plan.is_test
        spent = [run.werner[training] for run in runs]
        attenuation = np.ones(sum(plan.pairs_per_shot) + 1)
        if training.any():
            attenuation = attenuation_of_pairs(np.concatenate(spent, axis=1))
        if self._processor is None:
            return attenuation, []
        over = plan.starts_at + int(plan.releases[-1]) + plan.shot_deadline + self._report_delay
        tested, errors = (np.sum([getattr(run, name) for run in runs], axis=0) for name in ("tested", "errors"))
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
                on_time=on_time[~plan.is_test],
                attenuation=attenuation if self._group is None else np.zeros(0),
                werner=nodes.werner,
                coefficients=nodes.coefficients,
            )
            reports.append(Send(over, processor_name(self._processor), delivered))
        return attenuation, reports

    def _nodes(self, spent: Sequence[Any]) -> PairNodes:
        """How the mean over the shots of a shared circuit is had; without any such shot nobody asks for its value."""
        if self._group is None:
            return NO_PAIRS
        if not len(spent[0]):
            spent = [np.ones((1, pairs.shape[1])) for pairs in spent]
        return pair_nodes(spent, [part.places for part in self._group.routes])

    def _distil(
        self, plan: GenerateRoutePairs, rng: np.random.Generator, links: tuple[int, ...], counts: Any, hasher: Any
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """End-to-end pairs and key bits with each peer; a link on both routes is booked twice, as it is leased."""
        bits, trace, swapping = np.zeros(len(plan.key_peers)), np.zeros(2), self._route.swapping
        pairs = np.zeros(len(plan.key_peers), np.int64)
        for i, peer in enumerate(plan.key_peers):
            other = self._peers[peer]
            rows, latencies = leg_rows((*reversed(self._route.legs), *other.legs))
            rules, odds = route_rules(swapping, plan.slots, plan.key_useful_age, 0.0, corrected=False)
            book = np.zeros((len(rows), 5), np.int64)
            bits[i] = run_route_keys(
                rng, rows, latencies, rules, odds, plan.starts_at + plan.key_starts_at + plan.key_starts[i],
                plan.key_lengths[i], float(plan.key_bits_wanted[i]), plan.policies[0].demand_driven, book, trace,
            )  # fmt: skip
            pairs[i] = book[0, USED]
            for link, row in zip((*reversed(self._route.links), *other.links), book, strict=True):
                counts[links.index(link), AUTHENTICATION] += row
        hasher.update(trace.tobytes() + bits.tobytes())
        return pairs, np.minimum(bits, plan.key_bits_wanted)
