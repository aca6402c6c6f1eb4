"""Jobs of a sweep one after the other in this process: what `RayTasks` does side by side."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

from ceas_ray.runtime.placement import Request

T = TypeVar("T")
R = TypeVar("R")


class LocalTasks(Generic[T, R]):
    """Tasks of one function, each run when `ended` is called; see `RayTasks`."""

    def __init__(self, function: Callable[[T, bool], R]) -> None:
        self._function = function
        self._waiting: deque[tuple[int, T]] = deque()

    def __len__(self) -> int:
        """Return the number of tasks that have not ended."""
        return len(self._waiting)

    def submit(self, number: int, item: T, request: Request | None) -> None:
        """Put a task behind the others. The request is granted, because the task runs in this process."""
        self._waiting.append((number, item))

    def ended(self, seconds: float) -> list[tuple[int, R]]:
        """Run the next task to its end; return its number with what it returned."""
        if not self._waiting:
            return []
        number, item = self._waiting.popleft()
        return [(number, self._function(item, True))]

    def cancel(self) -> None:
        """Forget the tasks that have not begun."""
        self._waiting.clear()
