"""The hub: tests pairs, asks what it knows, and certifies."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ceas_ray.kernel.actor import Actor
from ceas_ray.kernel.envelope import Effect, Envelope, Send
from ceas_ray.messages.payloads import (
    HUB,
    KnownAnswersGiven,
    PairsTested,
    RoundStarted,
    TestOutcomes,
    TestReport,
    Timer,
    processor_name,
    replica_name,
)


class Hub(Actor):
    """Sums the outcomes of tests, and of circuits whose answers it knows, in a forgetting window; reports them when a
    plan ends. Answers come after the end of their round's plan: the next round's report has them.

    Trusted for data, switching and testing. The report goes to every replica; each processor learns its own link's
    window, which it uses from the next round on.
    """

    name = HUB

    def __init__(self, processors: int, replicas: int, half_life_rounds: float, delay: int, asks: bool = False) -> None:
        """delay: of every message, ps. asks: some circuits have known answers."""
        self._processors, self._replicas, self._delay = processors, replicas, delay
        self._keep = 0.5 ** (1 / half_life_rounds)
        shape = (processors, 4 if asks else 3)  # per basis, then known answers
        self._tested, self._errors = np.zeros(shape), np.zeros(shape)
        self._new_tested, self._new_errors = np.zeros(shape), np.zeros(shape)
        self._plan_ends_at = 0
        self.lookahead = self.own_lookahead = delay

    def handle(self, envelope: Envelope) -> Sequence[Effect]:
        """See `Actor`."""
        match envelope.payload:
            case RoundStarted(round_index=round_index, plan_ends_at=plan_ends_at):
                self._plan_ends_at = plan_ends_at
                return [Send(plan_ends_at, self.name, Timer("report", round_index))]
            case TestOutcomes(processor=processor, tested=tested, announced=announced, errors=errors):
                self._new_tested[processor, :3] += tested
                self._new_errors[processor, :3] += errors + (tested - announced)  # a missing announcement is an error
                return []
            case KnownAnswersGiven(processor=processor, asked=asked, answered=answered, wrong=wrong):
                self._new_tested[processor, 3] += asked
                self._new_errors[processor, 3] += wrong + (asked - answered)
                return []
            case Timer(round_index=round_index):
                return self._report(envelope.deliver_at + self._delay, round_index)
            case other:
                raise TypeError(f"{self.name} cannot handle {type(other).__name__}")

    def promise(self, now: int) -> int:
        """Nothing is sent before the plan ends."""
        return self._plan_ends_at + self._delay

    def _report(self, at: int, round_index: int) -> list[Effect]:
        self._tested = self._keep * self._tested + self._new_tested
        self._errors = self._keep * self._errors + self._new_errors
        self._new_tested, self._new_errors = np.zeros_like(self._tested), np.zeros_like(self._errors)
        tested, errors = self._tested.copy(), self._errors.copy()
        to_processors = [
            Send(at, processor_name(k), PairsTested(round_index, tested[k, :3].copy(), errors[k, :3].copy()))
            for k in range(self._processors)
        ]
        if round_index < 0:
            return list(to_processors)
        report = TestReport(round_index, tested, errors)
        return [*to_processors, *(Send(at, replica_name(j), report) for j in range(self._replicas))]

    def snapshot(self) -> Any:
        """See `Actor`."""
        return (self._tested, self._errors, self._new_tested, self._new_errors, self._plan_ends_at)

    def restore(self, state: Any) -> None:
        """See `Actor`."""
        self._tested, self._errors = np.array(state[0]), np.array(state[1])
        self._new_tested, self._new_errors = np.array(state[2]), np.array(state[3])
        self._plan_ends_at = state[4]
