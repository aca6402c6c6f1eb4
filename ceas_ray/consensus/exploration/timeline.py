"""The timeline of a scenario: what is still to happen, in the order of time."""

from __future__ import annotations

from heapq import heappop, heappush
from typing import Any

Event = tuple[float, int, int, str, Any]
"""Time (Delta), serial number, entity, sender and payload."""


class Timeline:
    """A heap of events; `now` is the time of the last one taken."""

    def __init__(self) -> None:
        self.now, self.serial = 0.0, 0
        self.heap: list[Event] = []

    def push(self, at: float, entity: int, sender: str, payload: Any) -> None:
        """Let something happen at a time. Of two events at one time the one that was pushed first happens first."""
        self.serial += 1
        heappush(self.heap, (at, self.serial, entity, sender, payload))

    def take(self) -> Event:
        """Return the next event."""
        event = heappop(self.heap)
        self.now = event[0]
        return event
