"""The adversary: one actor that moves all Byzantine processors, by ordinary envelopes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ceas_ray.attacks.attack import Attack, AttackContext, Timing
from ceas_ray.kernel.actor import Actor
from ceas_ray.kernel.envelope import Effect, Envelope, Send
from ceas_ray.kernel.streams import Streams
from ceas_ray.messages.attack_payloads import RowShown, SendRow
from ceas_ray.messages.payloads import ADVERSARY, RoundStarted, Timer, TimerPurpose, processor_name


class AdversaryTimer(TimerPurpose):
    """The purposes for which the adversary wakes itself."""

    PATIENCE_ENDS = "deadline"


@dataclass
class AdversaryState:
    """rows: what the adversary has seen in this round, by processor, float64 (d,) in 1/rad. answered: whether the
    colluders have their rows. plan_ends_at: ps. memory: what the attack remembers of earlier rounds, float64 (m,).
    """

    rows: dict[int, NDArray[np.float64]] = field(default_factory=dict)
    round_index: int = -1
    answered: bool = True
    plan_ends_at: int = 0
    memory: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))


class Adversary(Actor):
    """Collects the colluders' honest rows, and whatever else it may see, and answers each colluder before the deadline.

    It answers when all rows that it can expect are in, or `patience` picoseconds after the end of the plan. The answers
    reach all colluders at the same time, so that they send together.
    """

    name = ADVERSARY

    def __init__(
        self,
        attack: Attack,
        timing: Timing,
        *,
        colluders: Sequence[int],
        population: int,
        patience: int,
        latencies: Mapping[str, int],
        streams: Streams,
        rule: Callable[[NDArray[np.float64]], NDArray[np.float64]],
    ) -> None:
        """Make an adversary over these Byzantine processors.

        timing: when the colluders' rows leave. colluders: indices of the Byzantine among `population` processors.
        patience: ps. latencies: to the colluders, ps. rule: what the aggregation rule in use makes of rows (n, d) of
        equal weight, in the order of processors, shape (d,).
        """
        self._attack, self._timing, self._colluders = attack, timing, tuple(sorted(colluders))
        self._population = population
        self._patience, self._streams, self._rule = patience, streams, rule
        self.state = AdversaryState()
        self._answer_delay = max(latencies.values())
        self.lookahead = self.own_lookahead = self._answer_delay

    def handle(self, envelope: Envelope) -> Sequence[Effect]:
        """See `Actor`."""
        now = envelope.deliver_at
        match envelope.payload:
            case RoundStarted(round_index=round_index, plan_ends_at=plan_ends_at):
                self.state = AdversaryState({}, round_index, False, plan_ends_at, self.state.memory)
                timer = Timer(AdversaryTimer.PATIENCE_ENDS, round_index)
                return [Send(plan_ends_at + self._patience, self.name, timer)]
            case RowShown(round_index=round_index, processor=processor, row=row):
                assert round_index == self.state.round_index, "a row of another round"
                self.state.rows[processor] = row
                return self._answer(now) if len(self.state.rows) == self._expected and not self.state.answered else []
            case Timer(purpose=purpose, round_index=round_index):
                assert AdversaryTimer(purpose) is AdversaryTimer.PATIENCE_ENDS, "the adversary has one timer"
                return self._answer(now) if round_index == self.state.round_index and not self.state.answered else []
            case other:
                raise TypeError(f"{self.name} cannot handle {type(other).__name__}")

    def promise(self, now: int) -> int:
        """See `Actor`: there is nothing to answer before the end of the plan."""
        return self.state.plan_ends_at + self.own_lookahead

    @property
    def _expected(self) -> int:
        return self._population if self._attack.knowledge == "omniscient" else len(self._colluders)

    def _answer(self, now: int) -> list[Effect]:
        self.state.answered = True
        known = [k for k in self._colluders if k in self.state.rows]
        if not known or self._timing == "never":
            return []
        own = np.stack([self.state.rows[k] for k in known])
        others = [k for k in sorted(self.state.rows) if k not in self._colluders]
        honest = np.stack([self.state.rows[k] for k in others]) if others else np.empty((0, own.shape[1]))
        generator = self._streams.generator(self.kind, self.name, "attack", self.state.round_index)
        seen = AttackContext(own, honest, self._population, self._outcome_for(known), self.state.memory)
        forged = self._attack(seen, generator)
        self.state.memory = self._attack.remembered(seen)
        return [
            Send(
                now + self._answer_delay,
                name,
                SendRow(round_index=self.state.round_index, row=row, timing=self._timing),
            )
            for name, row in zip(map(processor_name, known), forged, strict=True)
        ]

    def _outcome_for(self, senders: Sequence[int]) -> Callable[[NDArray[np.float64]], NDArray[np.float64]]:
        """Return `AttackContext.outcome`. The row of an unknown honest processor is replaced by those of the colluders
        in turn.
        """
        own = [self.state.rows[k] for k in senders]
        rows = {k: self.state.rows.get(k, own[k % len(own)]) for k in range(self._population)}

        def outcome(forged: NDArray[np.float64]) -> NDArray[np.float64]:
            sent = rows | dict(zip(senders, forged, strict=True))
            return self._rule(np.stack([sent[k] for k in range(self._population)]))

        return outcome
