"""The hub: tests pairs, asks what it knows, and certifies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ceas_ray.kernel.actor import Actor
from ceas_ray.kernel.envelope import Effect, Envelope, Send
from ceas_ray.messages.payloads import (
    HUB,
    PairsTested,
    RoundStarted,
    TestOutcomes,
    TestReport,
    Timer,
    TimerPurpose,
    TrapCircuitsAnswered,
    processor_name,
    replica_name,
)
from ceas_ray.messages.senders import may_send


class HubTimer(TimerPurpose):
    """Timers of the hub."""

    PLAN_ENDS = "report"


@dataclass(kw_only=True)
class HubState:
    """Counts of tests per processor and basis, then of trap circuits where the hub asks them, float64 (processors, 3 or
    4).

    tested, errors: in the forgetting window. new_tested, new_errors: since the last report. answered_round: the latest
    round of which a processor answered trap circuits, int64 (processors,). plan_ends_at: of the round that runs, ps.
    """

    tested: NDArray[np.float64]
    errors: NDArray[np.float64]
    new_tested: NDArray[np.float64]
    new_errors: NDArray[np.float64]
    answered_round: NDArray[np.int64]
    round_index: int = -1
    plan_ends_at: int = 0


class Hub(Actor):
    """Sums the outcomes of tests, and of circuits whose answers it knows, in a forgetting window; reports them when a
    plan ends. Answers come after the end of their round's plan: the next round's report has them.

    Trusted for data, switching and testing. The report goes to every replica; each processor learns its own link's
    window, which it uses from the next round on.
    """

    name = HUB

    def __init__(self, processors: int, replicas: int, *, half_life_rounds: float, delay: int, asked: int = 0) -> None:
        """delay: that every message takes, ps. asked: number of trap circuits that a processor has in a round."""
        self._processors, self._replicas, self._delay = processors, replicas, delay
        self._keep = 0.5 ** (1 / half_life_rounds)
        self._asked = asked
        shape = (processors, 4 if asked else 3)
        self.state = HubState(
            tested=np.zeros(shape),
            errors=np.zeros(shape),
            new_tested=np.zeros(shape),
            new_errors=np.zeros(shape),
            answered_round=np.full(processors, -1),
        )
        self.lookahead = self.own_lookahead = delay

    def handle(self, envelope: Envelope) -> Sequence[Effect]:
        """See `Actor`."""
        if not may_send(envelope):
            return []
        match envelope.payload:
            case RoundStarted(round_index=round_index, plan_ends_at=plan_ends_at):
                self.state.round_index, self.state.plan_ends_at = round_index, plan_ends_at
                return [Send(plan_ends_at, self.name, Timer(HubTimer.PLAN_ENDS, round_index))]
            case TestOutcomes() as outcomes:
                self._count_tests(outcomes)
            case TrapCircuitsAnswered() as given:
                self._count_answers(given)
            case Timer(purpose=purpose, round_index=round_index):
                assert HubTimer(purpose) is HubTimer.PLAN_ENDS, "the hub has one timer"
                return self._report(envelope.deliver_at + self._delay, round_index)
        return []

    def _count_tests(self, outcomes: TestOutcomes) -> None:
        """Count a missing announcement as an error, and likewise one that makes no sense."""
        tested = np.asarray(outcomes.tested)
        announced = _counts(outcomes.announced, tested)
        errors = _counts(outcomes.errors, announced)
        self.state.new_tested[outcomes.processor, :3] += tested
        self.state.new_errors[outcomes.processor, :3] += errors + (tested - announced)

    def _count_answers(self, given: TrapCircuitsAnswered) -> None:
        """Count a processor's answers once a round, if the round has begun, and never more than were asked."""
        k, round_index, counts = given.processor, given.round_index, (given.asked, given.answered, given.wrong)
        if not 0 <= k < self._processors or any(type(number) is not int for number in (round_index, *counts)):
            return
        if not self.state.answered_round[k] < round_index <= self.state.round_index:
            return
        if not 0 <= given.wrong <= given.answered <= given.asked <= self._asked:
            return
        self.state.answered_round[k] = round_index
        self.state.new_tested[k, 3] += given.asked
        self.state.new_errors[k, 3] += given.wrong + (given.asked - given.answered)

    def promise(self, now: int) -> int:
        """Promise to send nothing before the plan ends."""
        return self.state.plan_ends_at + self._delay

    def _report(self, at: int, round_index: int) -> list[Effect]:
        state = self.state
        state.tested = self._keep * state.tested + state.new_tested
        state.errors = self._keep * state.errors + state.new_errors
        state.new_tested, state.new_errors = np.zeros_like(state.tested), np.zeros_like(state.errors)
        tested, errors = state.tested.copy(), state.errors.copy()
        to_processors = [
            Send(
                at,
                processor_name(k),
                PairsTested(round_index=round_index, tested=tested[k, :3].copy(), errors=errors[k, :3].copy()),
            )
            for k in range(self._processors)
        ]
        if round_index < 0:
            return list(to_processors)
        report = TestReport(round_index=round_index, tested=tested, errors=errors)
        return [*to_processors, *(Send(at, replica_name(j), report) for j in range(self._replicas))]


def _counts(said: Any, asked: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the counts that were sent, at most `asked` each: 0 in place of any other number, and zeros only where no
    array of integers came.
    """
    if not (isinstance(said, np.ndarray) and said.dtype.kind == "i" and said.shape == asked.shape):
        return np.zeros_like(asked)
    return np.where((said >= 0) & (said <= asked), said, 0)
