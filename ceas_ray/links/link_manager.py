"""A link manager: carries out plans on its link, and on the paths that begin with it."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from typing import Any

import numpy as np

from ceas_ray.kernel.actor import Actor
from ceas_ray.kernel.envelope import Effect, Envelope, Send
from ceas_ray.kernel.streams import Streams
from ceas_ray.links.key_path_loop import run_key_path
from ceas_ray.links.link_loop import ShotBooks, link_model, run_shots, shot_demand, stock_rule
from ceas_ray.links.request_loop import run_requests
from ceas_ray.messages.pair_books import AUTHENTICATION
from ceas_ray.messages.payloads import (
    ENTANGLEMENT_MANAGER,
    HUB,
    GeneratePairs,
    PlanFinished,
    RequestsServed,
    ServeRequests,
    ShotsDelivered,
    TestOutcomes,
    processor_name,
)
from ceas_ray.network.link_parameters import LinkParameters
from ceas_ray.quantum.contrast import attenuation_of_pairs
from ceas_ray.quantum.mixed_pairs import NO_PAIRS


class LinkManager(Actor):
    """Simulates a whole plan when it receives it; each report is delivered when its part is over, plus L / c.

    A plan needs no state of the one before: what is left in stock at its end is too old for the next.
    """

    def __init__(
        self,
        name: str,
        link: LinkParameters,
        swap_werner: float,
        processor: int | None,
        report_delay: int,
        streams: Streams,
    ) -> None:
        """processor: whom the link serves (None: a replica's leg). report_delay: of every report, ps, >= L / c."""
        self.name = name
        self._link, self._swap_werner, self._processor = link, swap_werner, processor
        self._report_delay, self._streams = report_delay, streams
        self.lookahead = self.own_lookahead = report_delay

    def handle(self, envelope: Envelope) -> Sequence[Effect]:
        """See `Actor`."""
        plan = envelope.payload
        if isinstance(plan, ServeRequests):
            return [self._serve_requests(plan, envelope.sender)]
        if not isinstance(plan, GeneratePairs):
            raise TypeError(f"{self.name} cannot handle {type(plan).__name__}")
        if not envelope.deliver_at <= plan.starts_at:
            raise ValueError(f"{self.name}: a plan must come before it starts at {plan.starts_at} ps")
        rng = self._streams.generator(self.kind, self.name, "pairs", plan.round_index)
        counts, leg_counts = np.zeros((3, 5), np.int64), np.zeros((len(plan.key_peers), 5), np.int64)
        hasher = blake2b(digest_size=16)
        effects: list[Effect] = []
        attenuation, on_time, stored = np.ones(plan.pairs_per_shot + 1), np.zeros(0, bool), 0
        if len(plan.releases):
            on_time, attenuation, stored, reports = self._serve_shots(plan, rng, counts, hasher)
            effects += reports
        bits = self._distil(plan, rng, counts, leg_counts, hasher)
        ends = plan.starts_at + plan.key_starts_at + plan.key_slot * (1 + max(plan.key_slots, default=-1))
        finished = PlanFinished(
            round_index=plan.round_index,
            link=self.name,
            counts=counts,
            leg_counts=leg_counts,
            stored=stored,
            shots=len(on_time),
            shots_on_time=int(on_time.sum()),
            key_peers=plan.key_peers,
            key_bits=bits,
            attenuation=attenuation,
            trace=hasher.digest(),
        )
        effects.append(Send(ends + self._report_delay, ENTANGLEMENT_MANAGER, finished))
        return effects

    def _serve_requests(self, plan: ServeRequests, asker: str) -> Effect:
        rng = self._streams.generator(self.kind, self.name, "requests", plan.round_index)
        counts, sums = np.zeros(5, np.int64), np.zeros(5)
        model = link_model(self._link, self._swap_werner)
        stored = run_requests(rng, model, plan.length, plan.mean_wait, plan.useful_age, plan.slots, counts, sums)
        served = RequestsServed(
            round_index=plan.round_index,
            link=self.name,
            counts=counts,
            stored=stored,
            requests=int(sums[0]),
            attempts=int(sums[4]),
            fidelity=sums[3] / max(1.0, sums[1]),
            trace=blake2b(sums.tobytes(), digest_size=16).digest(),
        )
        return Send(plan.starts_at + plan.length + self._report_delay, asker, served)

    def _serve_shots(self, plan: GeneratePairs, rng: np.random.Generator, counts: Any, hasher: Any) -> Any:
        shots = len(plan.releases)
        books = ShotBooks(
            counts, np.zeros(shots, bool), np.zeros((shots, plan.pairs_per_shot)), np.zeros(3, np.int64),
            np.zeros(3, np.int64), np.zeros((shots, 2)),
        )  # fmt: skip
        model = link_model(self._link, self._swap_werner)
        stored = run_shots(rng, model, shot_demand(plan), stock_rule(plan.policy, plan.slots), books)
        on_time, werner = books.on_time, books.werner
        hasher.update(books.events.tobytes() + werner.tobytes())
        training = on_time & ~plan.is_test
        attenuation = attenuation_of_pairs(werner[training]) if training.any() else np.ones(plan.pairs_per_shot + 1)
        over = plan.starts_at + int(plan.releases[-1]) + plan.shot_deadline + self._report_delay
        reports: list[Effect] = []
        if self._processor is not None:
            outcomes = TestOutcomes(
                round_index=plan.round_index,
                processor=self._processor,
                tested=books.tested,
                announced=books.tested,
                errors=books.errors,
            )
            reports.append(Send(over, HUB, outcomes))
            if plan.round_index >= 0:
                delivered = ShotsDelivered(
                    round_index=plan.round_index,
                    on_time=on_time[~plan.is_test],
                    attenuation=attenuation,
                    werner=NO_PAIRS.werner,
                    coefficients=NO_PAIRS.coefficients,
                )
                reports.append(Send(over, processor_name(self._processor), delivered))
        return on_time, attenuation, int(stored), reports

    def _distil(
        self, plan: GeneratePairs, rng: np.random.Generator, counts: Any, leg_counts: Any, hasher: Any
    ) -> np.ndarray[Any, np.dtype[np.float64]]:
        """Key bits of each path. On a swapped path the first leg is this link; a direct path has a link of its own."""
        bits, trace = np.zeros(len(plan.key_peers)), np.zeros(2)
        for i, slot in enumerate(plan.key_slots):
            legs = plan.key_legs[i]
            own = counts[AUTHENTICATION] if len(legs) == 2 else leg_counts[i]
            bits[i] = run_key_path(
                rng, legs, self._swap_werner, plan.starts_at + plan.key_starts_at + slot * plan.key_slot, plan.key_slot,
                float(plan.key_bits_wanted[i]), plan.slots, np.full(2, plan.key_useful_age), plan.policy.demand_driven,
                own, leg_counts[i], trace,
            )  # fmt: skip
        hasher.update(trace.tobytes() + bits.tobytes())
        return np.minimum(bits, plan.key_bits_wanted)
