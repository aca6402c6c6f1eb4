"""Catching up: what one that missed something asks and follows, and how often others answer it."""

from __future__ import annotations

from collections import Counter
from typing import Any

from ceas_ray.consensus.authenticated_links import AuthenticatedLinks
from ceas_ray.kernel.codec import encode
from ceas_ray.kernel.envelope import Effect
from ceas_ray.messages.frames import FrameKind

MOST_CATCH_UPS = 3
"""How often a replica asks in a round what it missed, and answers each of the others: both cost keys. After that it
repeats its last question, for those whom it did not reach, and asks anew when it has waited twice as long: those whom
it reached may know more by now. New keys, and a decision that it can tell of, let it answer as often again."""


class CatchingUp:
    """Of one round. B replicas that decided the same in the round before are believed."""

    def __init__(self, links: AuthenticatedLinks, blocking: int) -> None:
        self._links, self._blocking = links, blocking
        self.past: bytes | None = None
        """The value that B others decided in the round before."""
        self._past_decides: dict[int, bytes] = {}
        self._asked, self._timed_out = 0, -1
        self._answered: Counter[int] = Counter()

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

    def timed_out_again(self, view: int) -> bool:
        """Whether the timer of this view has run out before: then asking for another view did not help."""
        before, self._timed_out = self._timed_out, view
        return before == view

    def keys_have_come(self) -> None:
        """They pay for more questions and answers."""
        self._asked = 0
        self._answered.clear()

    # --- one that is asked ----------------------------------------------------------

    def has_news(self) -> None:
        """Whoever asked before the decision may ask again."""
        self._answered.clear()

    def may_tell(self, sender: int) -> bool:
        """Whether it has not asked too often."""
        self._answered[sender] += 1
        return self._answered[sender] <= MOST_CATCH_UPS

    # --- state ----------------------------------------------------------

    def snapshot(self) -> dict[str, Any]:
        """All state, in plain values."""
        return {
            "past_decides": self._past_decides, "past": self.past, "catch_ups": self._asked,
            "timed_out": self._timed_out,
            "answered": dict(sorted(self._answered.items())),
        }  # fmt: skip

    def restore(self, state: Any) -> None:
        """Go back to a snapshot."""
        self._past_decides, self.past = dict(state["past_decides"]), state["past"]
        self._asked, self._timed_out = state["catch_ups"], state["timed_out"]
        self._answered = Counter(state["answered"])
