"""The hub: tests pairs, asks what it knows, and certifies."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

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
from ceas_ray.messages.senders import may_send


class Hub(Actor):
    """Sums the outcomes of tests, and of circuits whose answers it knows, in a forgetting window; reports them when a
    plan ends. Answers come after the end of their round's plan: the next round's report has them.

    Trusted for data, switching and testing. The report goes to every replica; each processor learns its own link's
    window, which it uses from the next round on.
    """

    name = HUB

    def __init__(self, processors: int, replicas: int, half_life_rounds: float, delay: int, asked: int = 0) -> None:
        """delay: of every message, ps. asked: how many of a processor's circuits have known answers in a round."""
        self._processors, self._replicas, self._delay = processors, replicas, delay
        self._keep = 0.5 ** (1 / half_life_rounds)
        self._asked, self._round_index, self._answered_round = asked, -1, np.full(processors, -1)
        shape = (processors, 4 if asked else 3)  # per basis, then known answers
        self._tested, self._errors = np.zeros(shape), np.zeros(shape)
        self._new_tested, self._new_errors = np.zeros(shape), np.zeros(shape)
        self._plan_ends_at = 0
        self.lookahead = self.own_lookahead = delay

    def handle(self, envelope: Envelope) -> Sequence[Effect]:
        """See `Actor`."""
        if not may_send(envelope):
            return []
        match envelope.payload:
            case RoundStarted(round_index=round_index, plan_ends_at=plan_ends_at):
                self._round_index, self._plan_ends_at = round_index, plan_ends_at
                return [Send(plan_ends_at, self.name, Timer("report", round_index))]
            case TestOutcomes() as outcomes:
                self._count_tests(outcomes)
            case KnownAnswersGiven() as given:
                self._count_answers(given)
            case Timer(round_index=round_index):
                return self._report(envelope.deliver_at + self._delay, round_index)
        return []

    def _count_tests(self, outcomes: TestOutcomes) -> None:
        """A missing announcement is an error, and so is one that makes no sense."""
        tested = np.asarray(outcomes.tested)
        announced = _counts(outcomes.announced, tested)
        errors = _counts(outcomes.errors, announced)
        self._new_tested[outcomes.processor, :3] += tested
        self._new_errors[outcomes.processor, :3] += errors + (tested - announced)

    def _count_answers(self, given: KnownAnswersGiven) -> None:
        """Once a round and processor, of a round that has begun; never more than were asked."""
        k, round_index, counts = given.processor, given.round_index, (given.asked, given.answered, given.wrong)
        if not 0 <= k < self._processors or any(type(number) is not int for number in (round_index, *counts)):
            return
        if not self._answered_round[k] < round_index <= self._round_index:
            return
        if not 0 <= given.wrong <= given.answered <= given.asked <= self._asked:
            return
        self._answered_round[k] = round_index
        self._new_tested[k, 3] += given.asked
        self._new_errors[k, 3] += given.wrong + (given.asked - given.answered)

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
        return (
            self._tested, self._errors, self._new_tested, self._new_errors, self._plan_ends_at, self._round_index,
            self._answered_round,
        )  # fmt: skip

    def restore(self, state: Any) -> None:
        """See `Actor`."""
        self._tested, self._errors = np.array(state[0]), np.array(state[1])
        self._new_tested, self._new_errors = np.array(state[2]), np.array(state[3])
        self._plan_ends_at, self._round_index, self._answered_round = state[4], state[5], np.array(state[6])


def _counts(said: Any, most: NDArray[np.int64]) -> NDArray[np.int64]:
    """What was said, as counts of at most `most`; 0 where it is none, for all if it is not an array of integers."""
    if not (isinstance(said, np.ndarray) and said.dtype.kind == "i" and said.shape == most.shape):
        return np.zeros_like(most)
    return np.where((said >= 0) & (said <= most), said, 0)
