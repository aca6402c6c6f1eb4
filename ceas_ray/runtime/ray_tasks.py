"""Independent tasks on Ray, beside `ray_runtime`: whole training runs of a study.

Call `prepare_ray_environment` before this module is imported.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

import ray

from ceas_ray.runtime.failure import RuntimeFailure

T = TypeVar("T")
R = TypeVar("R")


def results_as_they_come(function: Callable[[T], R], items: Sequence[T]) -> Iterator[tuple[T, R]]:
    """Within `ray_cluster`: items with what the function makes of them, one CPU each; RuntimeFailure if one fails."""
    task, packed = ray.remote(num_cpus=1, max_retries=0)(_applied), ray.put(function)
    waiting: dict[Any, T] = {task.remote(packed, item): item for item in items}
    try:
        while waiting:
            (ready,), _ = ray.wait(list(waiting), num_returns=1)
            yield waiting.pop(ready), ray.get(ready)
    except ray.exceptions.RayError as error:
        raise RuntimeFailure(" ".join(str(error).split())) from error
    finally:
        for left in waiting:
            ray.cancel(left, force=True)


def _applied(function: Callable[[T], R], item: T) -> R:
    return function(item)
