"""Catching up: what one that missed something asks and follows, and how often others answer it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from ceas_ray.consensus.authenticated_links import AuthenticatedLinks
from ceas_ray.consensus.committee import VIEW_TIMER_DELTAS, Committee
from ceas_ray.kernel.codec import encode
from ceas_ray.kernel.envelope import Effect
from ceas_ray.kernel.state import Stateful
from ceas_ray.messages.frames import FrameKind

MOST_CATCH_UPS = 3
"""How often a replica asks in a round what it missed, and how often in the time of a view it answers each of the
others: both cost keys. After that it repeats its last question, for those whom it did not reach, and asks anew when it
has waited twice as long: those whom it reached may know more by now, or their answers were lost. New keys, and a
decision that it can tell of, let it answer as often again."""


@dataclass
class CatchingUpState:
    """past: the value that B others decided in the round before. past_decides: what each says. asked: how often.

    timed_out: the latest view whose timer ran out. answered: how often each of the others, since the time in `since`,
    ps.
    """

    past: bytes | None = None
    past_decides: dict[int, bytes] = field(default_factory=dict)
    asked: int = 0
    timed_out: int = -1
    answered: Counter[int] = field(default_factory=Counter)
    since: dict[int, int] = field(default_factory=dict)


class CatchingUp(Stateful):
    """Of one round. B replicas that decided the same in the round before are believed."""

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
        if self.state.asked > MOST_CATCH_UPS and self.state.asked.bit_count() > 1:
            return self._links.ask_again(now)
        return self._links.broadcast(FrameKind.CATCH_UP, 0, encode(None), now)

    @property
    def has_asked(self) -> bool:
        """Whether it has asked in this round, since new keys came."""
        return self.state.asked > 0

    def take_past_decide(self, sender: int, value: bytes) -> bool:
        """Somebody decided this in the round before; whether it is what B say."""
        self.state.past_decides.setdefault(sender, value)
        if list(self.state.past_decides.values()).count(value) == self._blocking:
            self.state.past = value
        return value == self.state.past

    def may_have_missed(self, view: int) -> bool:
        """The timer of this view ran out: whether it has done so before, so that asking for another view did not help,
        or whether more views have ended without a decision than Byzantine leaders account for."""
        before, self.state.timed_out = self.state.timed_out, view
        return before == view or view + 1 > self._faults

    def keys_have_come(self) -> None:
        """They pay for more questions and answers."""
        self.state.asked = 0
        self.state.answered.clear()

    # --- one that is asked ----------------------------------------------------------

    def has_news(self) -> None:
        """Whoever asked before the decision may ask again."""
        self.state.answered.clear()

    def may_tell(self, sender: int, now: int) -> bool:
        """Whether it has not asked too often: a liar makes others spend only so many keys, and one whose answers were
        lost, however many, is answered again."""
        if now >= self.state.since.setdefault(sender, now) + self._period:
            self.state.answered[sender], self.state.since[sender] = 0, now
        self.state.answered[sender] += 1
        return self.state.answered[sender] <= MOST_CATCH_UPS
