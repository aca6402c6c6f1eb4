"""The pace at which Echoes and Fetches leave: a flood of what others say cannot make a replica spend its keys."""

from __future__ import annotations

from typing import Any

from ceas_ray.messages.frames import PACED_FRAMES


class Pacing:
    """At most 4 frames leave in a view (those before view 0 are a view of their own), at least one Delta apart; what
    comes up within an instant leaves together, a picosecond later."""

    def __init__(self, delta: int) -> None:
        self._delta = delta
        self._last = -delta
        self._view, self._left = -1, 0
        self._armed = False

    def arm(self, now: int, view: int) -> int | None:
        """When to call `fires`; None if that is arranged already, or must wait for a later view."""
        if self._armed or self._count_in(view) >= PACED_FRAMES:
            return None
        self._armed = True
        return max(now + 1, self._last + self._delta)

    def fires(self, now: int, view: int) -> bool:
        """Whether a frame may leave now."""
        self._armed = False
        return now >= self._last + self._delta and self._count_in(view) < PACED_FRAMES

    def left(self, now: int, view: int, counts: bool = True) -> None:
        """A frame has left."""
        self._last, self._left = now, self._count_in(view) + counts
        self._view = view

    def _count_in(self, view: int) -> int:
        return self._left if view == self._view else 0

    def renew(self) -> None:
        """As much time has passed as a view takes, but no view is entered: without one, or halted."""
        self._left = 0

    def recover(self) -> None:
        """A crash has lost the timer, and maybe what left."""
        self._armed = False
        self.renew()

    def snapshot(self) -> Any:
        """All state, in plain values."""
        return (self._last, self._view, self._left, self._armed)

    def restore(self, state: Any) -> None:
        """Go back to a snapshot."""
        self._last, self._view, self._left, self._armed = state
