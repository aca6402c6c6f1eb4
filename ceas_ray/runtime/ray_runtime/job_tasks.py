"""Jobs as Ray tasks: each asks for its CPUs and memory, and a worker that has run one is warm for the next."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar

import cloudpickle
import ray

from ceas_ray.runtime.failure import HostLost, RuntimeFailure, one_line
from ceas_ray.runtime.placement import Request
from ceas_ray.runtime.ray_runtime.connection import task
from ceas_ray.runtime.ray_runtime.own_node import OwnNode

_STRATEGY = "SPREAD"
"""Ray's placement that takes machines in turn. Its default fills half a machine before it looks at the next one."""
T = TypeVar("T")
R = TypeVar("R")


class JobTasks(Generic[T, R]):
    """Tasks of one function, within `ray_cluster`, on all of its machines. A task that fails leaves the others alone.

    The function gets an item, and whether it runs on the machine of this process.
    """

    def __init__(self, function: Callable[[T, bool], R]) -> None:
        self._function = ray.put(function)
        self._task = ray.remote(max_retries=0, scheduling_strategy=_STRATEGY)(_applied)
        self._here = ray.get_runtime_context().get_node_id()
        self._waiting: dict[Any, int] = {}
        self._node = OwnNode()

    def __len__(self) -> int:
        """Return the number of tasks that have not ended."""
        return len(self._waiting)

    def submit(self, number: int, item: T, request: Request) -> None:
        """Begin a task as soon as there is room for it."""
        wanted = self._task.options(num_cpus=request.cpus, memory=request.memory_bytes, name=f"job {number}")
        self._waiting[wanted.remote(self._function, item, self._here)] = number

    def ended(self, seconds: float) -> list[tuple[int, R | RuntimeFailure]]:
        """Wait this long at most; return the numbers of tasks that have ended, with what they returned or why not.

        HostLost stands for a task whose machine was lost: it may be submitted once more.

        Raises RuntimeFailure if the cluster that this process started is lost.
        """
        ready, _ = ray.wait(list(self._waiting), num_returns=1, timeout=seconds)
        self._node.require_alive()
        return [(self._waiting.pop(ended), _outcome(ended)) for ended in ready]

    def cancel(self) -> None:
        """Interrupt the tasks that run, and forget those that have not begun."""
        for waiting in self._waiting if self._node.is_alive() else ():
            ray.cancel(waiting, force=False)


def warm_workers(packed_function: bytes, workers: int) -> None:
    """Call a function in this many workers, on the machines in turn and each on a CPU of its own. Does not wait."""
    warm = ray.remote(num_cpus=1, max_retries=0, scheduling_strategy=_STRATEGY)(_warm)
    function = ray.put(packed_function)
    for _ in range(workers):
        warm.remote(function)


def _warm(packed_function: bytes) -> None:
    with task():
        cloudpickle.loads(packed_function)()


def _outcome(ended: Any) -> Any:
    try:
        return ray.get(ended)
    except ray.exceptions.WorkerCrashedError:
        return RuntimeFailure("its process was killed")
    except ray.exceptions.OutOfMemoryError:
        return RuntimeFailure("its process was killed: the machine had no memory left")
    except ray.exceptions.NodeDiedError:
        return HostLost("its machine was lost")
    except ray.exceptions.TaskCancelledError:
        return RuntimeFailure("it was interrupted")
    except ray.exceptions.RayTaskError as error:
        return RuntimeFailure(one_line(error.cause or error))
    except ray.exceptions.RayError as error:
        return RuntimeFailure(f"{type(error).__name__}: {one_line(error)[:200]}")


def _applied(function: Callable[[T, bool], R], item: T, node_of_command: str) -> R:
    with task():
        return function(item, ray.get_runtime_context().get_node_id() == node_of_command)
