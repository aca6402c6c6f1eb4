"""The adversary: one actor that moves all Byzantine processors, by ordinary envelopes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ceas_ray.attacks.attack import Attack, Seen, Timing
from ceas_ray.kernel.actor import Actor
from ceas_ray.kernel.envelope import Effect, Envelope, Send
from ceas_ray.kernel.streams import Streams
from ceas_ray.messages.payloads import ADVERSARY, RoundStarted, RowShown, SendRow, Timer, processor_name


class Adversary(Actor):
    """Collects the colluders' honest rows (and what else it may see), and answers each colluder before the deadline.

    It answers when all rows that it can expect are in, or `patience` picoseconds after the end of the plan; the answers
    reach all colluders at the same time, so that they send together.
    """

    name = ADVERSARY

    def __init__(
        self,
        attack: Attack,
        timing: Timing,
        colluders: Sequence[int],
        population: int,
        patience: int,
        latencies: Mapping[str, int],
        streams: Streams,
        rule: Callable[[NDArray[np.float64]], NDArray[np.float64]],
    ) -> None:
        """timing: when the colluders' rows leave. colluders: indices of the Byzantine among `population` processors.

        rule: what the rule in use makes of rows (n, d) of equal weight, in the order of processors.
        """
        self._attack, self._timing, self._colluders = attack, timing, tuple(sorted(colluders))
        self._population = population
        self._patience, self._streams, self._rule = patience, streams, rule
        self._rows: dict[int, NDArray[np.float64]] = {}
        self._round_index, self._answered, self._plan_ends_at = -1, True, 0
        self._answer_delay = max(latencies.values())
        self.lookahead = self.own_lookahead = self._answer_delay

    def handle(self, envelope: Envelope) -> Sequence[Effect]:
        """See `Actor`."""
        now = envelope.deliver_at
        match envelope.payload:
            case RoundStarted(round_index=round_index, plan_ends_at=plan_ends_at):
                self._rows, self._round_index, self._answered = {}, round_index, False
                self._plan_ends_at = plan_ends_at
                return [Send(plan_ends_at + self._patience, self.name, Timer("deadline", round_index))]
            case RowShown(round_index=round_index, processor=processor, row=row):
                assert round_index == self._round_index, "a row of another round"
                self._rows[processor] = row
                return self._answer(now) if len(self._rows) == self._expected and not self._answered else []
            case Timer(round_index=round_index):
                return self._answer(now) if round_index == self._round_index and not self._answered else []
            case other:
                raise TypeError(f"{self.name} cannot handle {type(other).__name__}")

    def promise(self, now: int) -> int:
        """Nothing to answer before the end of the plan."""
        return self._plan_ends_at + self.own_lookahead

    @property
    def _expected(self) -> int:
        return self._population if self._attack.knowledge == "omniscient" else len(self._colluders)

    def _answer(self, now: int) -> list[Effect]:
        self._answered = True
        known = [k for k in self._colluders if k in self._rows]
        if not known or self._timing == "never":
            return []
        own = np.stack([self._rows[k] for k in known])
        others = [k for k in sorted(self._rows) if k not in self._colluders]
        honest = np.stack([self._rows[k] for k in others]) if others else np.empty((0, own.shape[1]))
        generator = self._streams.generator(self.kind, self.name, "attack", self._round_index)
        seen = Seen(own, honest, self._population, self._outcome_for(known))
        forged = self._attack(seen, generator)
        return [
            Send(now + self._answer_delay, name, SendRow(self._round_index, row, self._timing))
            for name, row in zip(map(processor_name, known), forged, strict=True)
        ]

    def _outcome_for(self, senders: Sequence[int]) -> Callable[[NDArray[np.float64]], NDArray[np.float64]]:
        """See `Seen.outcome`: for an unknown honest row stands one of the colluders', in turn."""
        own = [self._rows[k] for k in senders]
        rows = {k: self._rows.get(k, own[k % len(own)]) for k in range(self._population)}

        def outcome(forged: NDArray[np.float64]) -> NDArray[np.float64]:
            sent = rows | dict(zip(senders, forged, strict=True))
            return self._rule(np.stack([sent[k] for k in range(self._population)]))

        return outcome

    def snapshot(self) -> Any:
        """See `Actor`."""
        return {
            "rows": dict(sorted(self._rows.items())),
            "round_index": self._round_index,
            "answered": self._answered,
            "plan_ends_at": self._plan_ends_at,
        }

    def restore(self, state: Any) -> None:
        """See `Actor`."""
        self._rows = dict(state["rows"])
        self._round_index, self._answered = state["round_index"], state["answered"]
        self._plan_ends_at = state["plan_ends_at"]
