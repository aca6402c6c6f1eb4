"""What is still to happen in a scenario, in the order of time."""

from __future__ import annotations

from heapq import heappop, heappush
from typing import Any

Event = tuple[float, int, int, str, Any]
"""When (Delta), serial number, entity, sender, payload."""


class Timeline:
    """A heap of events; `now` is the time of the last one that was taken."""

    def __init__(self) -> None:
        self.now, self.serial = 0.0, 0
        self.heap: list[Event] = []

    def push(self, at: float, entity: int, sender: str, payload: Any) -> None:
        """Let it happen at a time; of two events at one time the one that was pushed first happens first."""
        self.serial += 1
        heappush(self.heap, (at, self.serial, entity, sender, payload))

    def take(self) -> Event:
        """The next event."""
        event = heappop(self.heap)
        self.now = event[0]
        return event
