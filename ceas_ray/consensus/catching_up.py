"""Catching up: what a replica that missed something asks and follows, and how often the others answer it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from ceas_ray.consensus.authenticated_links import AuthenticatedLinks
from ceas_ray.consensus.committee import VIEW_TIMER_DELTAS, Committee
from ceas_ray.kernel.codec import encode
from ceas_ray.kernel.envelope import Effect
from ceas_ray.kernel.state import Stateful
from ceas_ray.messages.frames import FrameKind

MAX_CATCH_UPS = 3
"""Number of times that a replica asks in a round what it missed, and that it answers each of the others in the time of
a view; both cost keys. After that it repeats its last question, for those whom it did not reach, and asks anew after
waiting twice as long, because those whom it reached may know more by then, or their answers were lost. New keys, and a
decision that it can report, let it answer as often again.
"""


@dataclass
class CatchingUpState:
    """What changes while a replica catches up, or helps others to.

    past: the value that B others decided in the round before. past_decides: what each of them says. asked: number of
    questions. timed_out: the latest view whose timer ran out. answered: number of answers to each of the others,
    counted from the time in `since`, ps.
    """

    past: bytes | None = None
    past_decides: dict[int, bytes] = field(default_factory=dict)
    asked: int = 0
    timed_out: int = -1
    answered: Counter[int] = field(default_factory=Counter)
    since: dict[int, int] = field(default_factory=dict)


class CatchingUp(Stateful):
    """Helps this replica and others to catch up in one round. B replicas that decided the same in the round before are
    believed.
    """

    def __init__(self, links: AuthenticatedLinks, committee: Committee) -> None:
        self._links, self._blocking, self._faults = links, committee.blocking, committee.faults
        self._period = VIEW_TIMER_DELTAS * committee.delta
        self.state = CatchingUpState()

    @property
    def past(self) -> bytes | None:
        """The value that B others decided in the round before."""
        return self.state.past

    # --- one that missed something ----------------------------------------------------------

    def ask(self, now: int) -> list[Effect]:
        """Ask the others what was missed."""
        self.state.asked += 1
        if self.state.asked > MAX_CATCH_UPS and self.state.asked.bit_count() > 1:
            return self._links.ask_again(now)
        return self._links.broadcast(FrameKind.CATCH_UP, view=0, body=encode(None), now=now)

    @property
    def has_asked(self) -> bool:
        """Whether it has asked in this round, since new keys came."""
        return self.state.asked > 0

    def take_past_decide(self, sender: int, value: bytes) -> bool:
        """Take what another replica decided in the round before. Return whether it is what B of them say."""
        self.state.past_decides.setdefault(sender, value)
        if list(self.state.past_decides.values()).count(value) == self._blocking:
            self.state.past = value
        return value == self.state.past

    def may_have_missed(self, view: int) -> bool:
        """Note that the timer of this view ran out. Return whether this replica may have missed something: the timer
        did so before, so asking for another view did not help, or more views have ended without a decision than
        Byzantine leaders account for.
        """
        before, self.state.timed_out = self.state.timed_out, view
        return before == view or view + 1 > self._faults

    def keys_have_come(self) -> None:
        """Count anew, since new keys pay for more questions and answers."""
        self.state.asked = 0
        self.state.answered.clear()

    # --- one that is asked ----------------------------------------------------------

    def has_news(self) -> None:
        """Let whoever asked before the decision ask again."""
        self.state.answered.clear()

    def may_answer(self, sender: int, now: int) -> bool:
        """Count a question, and return whether its sender has not asked too often. So a liar makes others spend only so
        many keys, and a replica whose answers were lost, however many, is answered again.
        """
        if now >= self.state.since.setdefault(sender, now) + self._period:
            self.state.answered[sender], self.state.since[sender] = 0, now
        self.state.answered[sender] += 1
        return self.state.answered[sender] <= MAX_CATCH_UPS
