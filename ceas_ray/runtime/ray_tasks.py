"""Tasks on a cluster, through the process that speaks with Ray."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import cloudpickle

from ceas_ray.runtime.failure import RuntimeFailure
from ceas_ray.runtime.placement import Request
from ceas_ray.runtime.ray_process import ClusterAccess, RayProcess

_LOOK_SECONDS = 1.0
_ONE_CPU = Request(1.0, 0)
T = TypeVar("T")
R = TypeVar("R")


@contextmanager
def ray_process(
    access: ClusterAccess, silence_seconds: float, *, warm_up: Callable[[], object] | None = None, workers: int = 0
) -> Iterator[RayProcess]:
    """Yield a process that connects to a cluster; see `RayProcess`."""
    process = RayProcess(access, silence_seconds, lambda _: None, warm_up=warm_up, workers=workers)
    try:
        yield process
    finally:
        process.end()


class RayTasks(Generic[T, R]):
    """Tasks of one function; see `JobTasks`. A task that fails leaves the others alone.

    Every method raises ClusterLost once the cluster is lost.
    """

    def __init__(self, process: RayProcess, function: Callable[[T, bool], R]) -> None:
        """function: gets an item, and whether it runs on the machine of this process."""
        self._process, self._waiting = process, 0
        process.call("begin_tasks", cloudpickle.dumps(function))

    def __len__(self) -> int:
        """Return the number of tasks that have not ended."""
        return self._waiting

    def submit(self, number: int, item: T, request: Request) -> None:
        """Begin a task as soon as there is room for it."""
        self._process.call("submit", number, item, request)
        self._waiting += 1

    def ended(self, seconds: float) -> list[tuple[int, R | RuntimeFailure]]:
        """Wait this long at most; return the numbers of tasks that have ended, with what they returned or why not.

        HostLost stands for a task whose machine was lost: it may be submitted once more.
        """
        ended: list[tuple[int, R | RuntimeFailure]] = self._process.call("ended", seconds)
        self._waiting -= len(ended)
        return ended

    def cancel(self) -> None:
        """Interrupt the tasks that run, and forget those that have not begun."""
        self._process.call("cancel")


@dataclass(frozen=True)
class _OfItem(Generic[T, R]):
    function: Callable[[T], R]

    def __call__(self, item: T, here: bool) -> R:
        return self.function(item)


def results_as_they_come(process: RayProcess, function: Callable[[T], R], items: Sequence[T]) -> Iterator[tuple[T, R]]:
    """Yield each item with its result, as results come; a call takes one CPU. Raises RuntimeFailure if one fails."""
    tasks: RayTasks[Any, R] = RayTasks(process, _OfItem(function))
    for number, item in enumerate(items):
        tasks.submit(number, item, _ONE_CPU)
    while len(tasks):
        for number, result in tasks.ended(_LOOK_SECONDS):
            if isinstance(result, RuntimeFailure):
                raise result
            yield items[number], result
