"""Work on a cluster beside a simulation: independent tasks (whole runs of a study), and actors that do nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import ray

from ceas_ray.runtime.failure import RuntimeFailure, one_line
from ceas_ray.runtime.ray_runtime.own_node import OwnNode

_LOOK_SECONDS = 1.0
T = TypeVar("T")
R = TypeVar("R")


def results_as_they_come(function: Callable[[T], R], items: Sequence[T]) -> Iterator[tuple[T, R]]:
    """Yield, within `ray_cluster`, items with what the function makes of them, one CPU each; raises RuntimeFailure if
    one fails."""
    task, packed = ray.remote(num_cpus=1, max_retries=0)(_applied), ray.put(function)
    waiting: dict[Any, T] = {task.remote(packed, item): item for item in items}
    node = OwnNode()
    try:
        while waiting:
            ready, _ = ray.wait(list(waiting), num_returns=1, timeout=_LOOK_SECONDS)
            node.require_alive()
            for done in ready:
                yield waiting.pop(done), ray.get(done)
    except ray.exceptions.RayError as error:
        raise RuntimeFailure(one_line(error)) from error
    finally:
        for left in waiting if node.is_alive() else ():
            ray.cancel(left, force=True)


def _applied(function: Callable[[T], R], item: T) -> R:
    return function(item)


@contextmanager
def empty_actors(count: int) -> Iterator[None]:
    """Make this many Ray actors that do nothing, within `ray_cluster`: the floor to compare memory with."""
    shell = ray.remote(_Empty)
    actors = [shell.options(num_cpus=0).remote() for _ in range(count)]
    ray.get([actor.ready.remote() for actor in actors])
    yield


class _Empty:
    """Does nothing."""

    def ready(self) -> bool:
        """Answer that the actor is there."""
        return True
