"""A route manager: carries out plans on a route of several links, simulated as one group."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ceas_ray.kernel.actor import Actor
from ceas_ray.kernel.envelope import Effect, Envelope, Send
from ceas_ray.kernel.streams import Streams
from ceas_ray.links.link_loop import AUTHENTICATION
from ceas_ray.links.route_loop import run_route_keys, run_route_shots
from ceas_ray.links.simulate_route import leg_rows, route_rules
from ceas_ray.messages.payloads import (
    ENTANGLEMENT_MANAGER,
    HUB,
    GenerateRoutePairs,
    RoutePlanFinished,
    ShotsDelivered,
    TestOutcomes,
    processor_name,
)
from ceas_ray.network.route import Route
from ceas_ray.quantum.contrast import shrink_from_pairs


class RouteManager(Actor):
    """As `LinkManager`, for a route of several links, or swaps that can fail, or purification.

    Of the stock policy its limits hold, for every leg: the table of a decision process is for a link of its own.
    Keys with a peer come from pairs over this route and the peer's, swapped at the hub between them as everywhere.
    """

    def __init__(
        self,
        name: str,
        route: Route,
        peers: Mapping[str, Route],
        processor: int | None,
        report_delay: int,
        streams: Streams,
    ) -> None:
        """processor: whom the route serves (None: a replica). report_delay: of every report, ps, >= L / c."""
        self.name = name
        self._route, self._peers, self._processor = route, peers, processor
        self._report_delay, self._streams = report_delay, streams
        self.lookahead = self.own_lookahead = report_delay

    def handle(self, envelope: Envelope) -> Sequence[Effect]:
        """See `Actor`."""
        plan = envelope.payload
        if not isinstance(plan, GenerateRoutePairs):
            raise TypeError(f"{self.name} cannot handle {type(plan).__name__}")
        if not envelope.deliver_at <= plan.starts_at:
            raise ValueError(f"{self.name}: a plan must come before it starts at {plan.starts_at} ps")
        rng = self._streams.generator(self.kind, self.name, "pairs", plan.round_index)
        paths = [self._route, *(self._peers[peer] for peer in plan.key_peers)]
        links = tuple(sorted({link for path in paths for link in path.links}))
        counts, stored = np.zeros((len(links), 3, 5), np.int64), np.zeros(len(links), np.int64)
        hasher = blake2b(digest_size=16)
        effects: list[Effect] = []
        shrink, on_time = np.ones(plan.pairs_per_shot + 1), np.zeros(0, bool)
        if len(plan.releases):
            own = [links.index(link) for link in self._route.links]
            legs = np.zeros((len(own), 3, 5), np.int64)
            on_time, shrink, stored[own], reports = self._serve_shots(plan, rng, legs, hasher)
            counts[own] += legs
            effects += reports
        bits = self._distil(plan, rng, links, counts, hasher)
        parts = zip(plan.key_starts, plan.key_lengths, strict=True)
        ends = plan.starts_at + plan.key_starts_at + max((start + length for start, length in parts), default=0)
        finished = RoutePlanFinished(
            plan.round_index, self.name, links, counts, stored, len(on_time), int(on_time.sum()), plan.key_peers,
            bits, shrink, hasher.digest(),
        )  # fmt: skip
        effects.append(Send(ends + self._report_delay, ENTANGLEMENT_MANAGER, finished))
        return effects

    def _serve_shots(self, plan: GenerateRoutePairs, rng: np.random.Generator, counts: Any, hasher: Any) -> Any:
        shots, swapping = len(plan.releases), self._route.swapping
        on_time, events = np.zeros(shots, bool), np.zeros((shots, 2))
        werner = np.zeros((shots, plan.pairs_per_shot))
        tested, errors = np.zeros(3, np.int64), np.zeros(3, np.int64)
        rows, latencies = leg_rows(self._route.legs)
        rules, odds = route_rules(swapping, plan.slots, plan.useful_age, plan.least_werner, corrected=True)
        policy = plan.policy
        stored = run_route_shots(
            rng, rows, latencies, rules, odds, plan.starts_at, np.array(plan.releases), np.array(plan.is_test),
            plan.pairs_per_shot, plan.shot_deadline, policy.gap_limit, policy.burst_limit, policy.demand_driven,
            counts, on_time, werner, tested, errors, events,
        )  # fmt: skip
        hasher.update(events.tobytes() + werner.tobytes())
        training = on_time & ~plan.is_test
        shrink = shrink_from_pairs(werner[training]) if training.any() else np.ones(plan.pairs_per_shot + 1)
        over = plan.starts_at + int(plan.releases[-1]) + plan.shot_deadline + self._report_delay
        reports: list[Effect] = []
        if self._processor is not None:
            outcomes = TestOutcomes(plan.round_index, self._processor, tested, tested, errors)
            reports.append(Send(over, HUB, outcomes))
            if plan.round_index >= 0:
                delivered = ShotsDelivered(plan.round_index, on_time[~plan.is_test], shrink)
                reports.append(Send(over, processor_name(self._processor), delivered))
        return on_time, shrink, stored, reports

    def _distil(
        self, plan: GenerateRoutePairs, rng: np.random.Generator, links: tuple[int, ...], counts: Any, hasher: Any
    ) -> NDArray[np.float64]:
        """Key bits with each peer; a link on both routes is booked twice, as it is leased."""
        bits, trace, swapping = np.zeros(len(plan.key_peers)), np.zeros(2), self._route.swapping
        for i, peer in enumerate(plan.key_peers):
            other = self._peers[peer]
            rows, latencies = leg_rows((*reversed(self._route.legs), *other.legs))
            rules, odds = route_rules(swapping, plan.slots, plan.key_useful_age, 0.0, corrected=False)
            book = np.zeros((len(rows), 5), np.int64)
            bits[i] = run_route_keys(
                rng, rows, latencies, rules, odds, plan.starts_at + plan.key_starts_at + plan.key_starts[i],
                plan.key_lengths[i], float(plan.key_bits_wanted[i]), plan.policy.demand_driven, book, trace,
            )  # fmt: skip
            for link, row in zip((*reversed(self._route.links), *other.links), book, strict=True):
                counts[links.index(link), AUTHENTICATION] += row
        hasher.update(trace.tobytes() + bits.tobytes())
        return np.minimum(bits, plan.key_bits_wanted)

    def snapshot(self) -> Any:
        """See `Actor`: nothing lasts from plan to plan."""
        return None

    def restore(self, state: Any) -> None:
        """See `Actor`."""
