"""The pace at which Echoes and Fetches leave, so that no flood of what others say makes a replica spend its keys."""

from __future__ import annotations

from dataclasses import dataclass

from ceas_ray.kernel.state import Stateful
from ceas_ray.messages.frames import PACED_FRAMES


@dataclass
class PacingState:
    """last: when a frame left, ps. left: number of frames that left in view `view`. armed: whether a timer runs."""

    last: int
    view: int = -1
    left: int = 0
    armed: bool = False


class Pacing(Stateful):
    """Lets at most 4 frames leave in a view (those before view 0 are a view of their own), at least one Delta apart.
    What comes up within an instant leaves together, a picosecond later.
    """

    def __init__(self, delta: int) -> None:
        self._delta = delta
        self.state = PacingState(-delta)

    def arm(self, now: int, view: int) -> int | None:
        """Return when to call `fires`; None if that is arranged already, or must wait for a later view."""
        if self.state.armed or self._count_in(view) >= PACED_FRAMES:
            return None
        self.state.armed = True
        return max(now + 1, self.state.last + self._delta)

    def fires(self, now: int, view: int) -> bool:
        """Return whether a frame may leave now."""
        self.state.armed = False
        return now >= self.state.last + self._delta and self._count_in(view) < PACED_FRAMES

    def left(self, now: int, view: int, counts: bool = True) -> None:
        """Note that a frame has left."""
        self.state.last, self.state.left = now, self._count_in(view) + counts
        self.state.view = view

    def _count_in(self, view: int) -> int:
        return self.state.left if view == self.state.view else 0

    def renew(self) -> None:
        """Allow as many frames as in a new view. As much time has passed as a view takes, but none was entered."""
        self.state.left = 0

    def recover(self) -> None:
        """Start anew after a crash, which has lost the timer and perhaps what left."""
        self.state.armed = False
        self.renew()
