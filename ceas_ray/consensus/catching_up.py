"""Catching up: what one that missed something asks and follows, and how often others answer it."""

from __future__ import annotations

from collections import Counter
from typing import Any

from ceas_ray.consensus.authenticated_links import AuthenticatedLinks
from ceas_ray.consensus.committee import VIEW_TIMER_DELTAS, Committee
from ceas_ray.kernel.codec import encode
from ceas_ray.kernel.envelope import Effect
from ceas_ray.messages.frames import FrameKind

MOST_CATCH_UPS = 3
"""How often a replica asks in a round what it missed, and how often in the time of a view it answers each of the
others: both cost keys. After that it repeats its last question, for those whom it did not reach, and asks anew when it
has waited twice as long: those whom it reached may know more by now, or their answers were lost. New keys, and a
decision that it can tell of, let it answer as often again."""


class CatchingUp:
    """Of one round. B replicas that decided the same in the round before are believed."""

    def __init__(self, links: AuthenticatedLinks, committee: Committee) -> None:
        self._links, self._blocking = links, committee.blocking
        self._period = VIEW_TIMER_DELTAS * committee.delta
        self.past: bytes | None = None
        """The value that B others decided in the round before."""
        self._past_decides: dict[int, bytes] = {}
        self._asked, self._timed_out, self._timers = 0, -1, 0
        self._answered: Counter[int] = Counter()
        self._since: dict[int, int] = {}

    # --- one that missed something ----------------------------------------------------------

    def ask(self, now: int) -> list[Effect]:
        """Ask the others what was missed."""
        self._asked += 1
        if self._asked > MOST_CATCH_UPS and self._asked.bit_count() > 1:
            return self._links.ask_again(now)
        return self._links.broadcast(FrameKind.CATCH_UP, 0, encode(None), now)

    def take_past_decide(self, sender: int, value: bytes) -> bool:
        """Somebody decided this in the round before; whether it is what B say."""
        self._past_decides.setdefault(sender, value)
        if list(self._past_decides.values()).count(value) == self._blocking:
            self.past = value
        return value == self.past

    def may_have_missed(self, view: int) -> bool:
        """The timer of this view ran out: whether it has done so before, so that asking for another view did not help,
        or whether more views have ended without a decision than Byzantine leaders account for."""
        before, self._timed_out = self._timed_out, view
        self._timers += 1
        return before == view or self._timers > self._blocking

    def keys_have_come(self) -> None:
        """They pay for more questions and answers."""
        self._asked = 0
        self._answered.clear()

    # --- one that is asked ----------------------------------------------------------

    def has_news(self) -> None:
        """Whoever asked before the decision may ask again."""
        self._answered.clear()

    def may_tell(self, sender: int, now: int) -> bool:
        """Whether it has not asked too often: a liar makes others spend only so many keys, and one whose answers were
        lost, however many, is answered again."""
        if now >= self._since.setdefault(sender, now) + self._period:
            self._answered[sender], self._since[sender] = 0, now
        self._answered[sender] += 1
        return self._answered[sender] <= MOST_CATCH_UPS

    # --- state ----------------------------------------------------------

    def snapshot(self) -> dict[str, Any]:
        """All state, in plain values."""
        return {
            "past_decides": self._past_decides, "past": self.past, "catch_ups": self._asked,
            "timed_out": self._timed_out, "timers": self._timers,
            "answered": dict(sorted(self._answered.items())), "since": dict(sorted(self._since.items())),
        }  # fmt: skip

    def restore(self, state: Any) -> None:
        """Go back to a snapshot."""
        self._past_decides, self.past = dict(state["past_decides"]), state["past"]
        self._asked, self._timed_out, self._timers = state["catch_ups"], state["timed_out"], state["timers"]
        self._answered, self._since = Counter(state["answered"]), dict(state["since"])
