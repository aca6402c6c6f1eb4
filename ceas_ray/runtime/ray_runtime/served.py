"""The process that speaks with Ray for a run or a sweep, which it serves over a socket; it ends in order with it.

Ray ends a process whose cluster is lost. This one holds nothing that a run or a sweep needs.
"""

from __future__ import annotations

import _thread
import os
import select
import signal
import threading
import time
import traceback
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from multiprocessing.connection import Connection
from types import FrameType
from typing import Any

import cloudpickle
import ray

from ceas_ray.kernel.errors import SimulationError
from ceas_ray.kernel.policy_calls import PolicyError
from ceas_ray.kernel.signals import interrupts
from ceas_ray.kernel.window_reply import HostStatus
from ceas_ray.kernel.windows import WindowRequest
from ceas_ray.runtime.failure import RuntimeFailure
from ceas_ray.runtime.packed_cluster import HostsToStart, PackedReply, Placement
from ceas_ray.runtime.placement import Request
from ceas_ray.runtime.ray_process import ClusterAccess, Opened
from ceas_ray.runtime.ray_runtime.connection import ray_cluster
from ceas_ray.runtime.ray_runtime.hosts import RayHosts
from ceas_ray.runtime.ray_runtime.job_tasks import JobTasks, warm_workers

_END_SECONDS = 20.0
"""Seconds that Ray may take to end in order."""


class _Abandoned(KeyboardInterrupt):
    """The run's end of the socket was closed."""


class Service:
    """The requests that a run may make, by the names of these methods."""

    def __init__(self, resources: ExitStack, say: Callable[[str], None]) -> None:
        """resources: released at the end. say: takes lines for the console of the run."""
        self._resources, self._say = resources, say

    def open(self, access: ClusterAccess, warm_up: bytes | None, workers: int) -> Opened:
        """Connect to a cluster, or start one. warm_up: a packed function for this many workers; see `RayProcess`."""
        warnings: list[str] = []
        machines = self._resources.enter_context(
            ray_cluster(
                access.address, access.processors, access.dashboard, access.allow_open_cluster, warn=warnings.append
            )
        )
        if warm_up is not None:
            warm_workers(warm_up, min(workers, sum(int(machine.processors) for machine in machines)))
        return Opened(machines, ray.get_runtime_context().gcs_address, tuple(warnings))

    def start(self, hosts: HostsToStart) -> Placement:
        """Start the hosts."""
        self._hosts = RayHosts(hosts, self._say)
        return self._hosts.placement

    def begin_tasks(self, packed_function: bytes) -> None:
        """Prepare for tasks of this function; see `JobTasks`."""
        self._tasks: JobTasks[Any, Any] = JobTasks(cloudpickle.loads(packed_function))

    def submit(self, number: int, item: Any, request: Request) -> None:
        """See `JobTasks`."""
        self._tasks.submit(number, item, request)

    def ended(self, seconds: float) -> list[tuple[int, Any]]:
        """See `JobTasks`."""
        return self._tasks.ended(seconds)

    def cancel(self) -> None:
        """See `JobTasks`."""
        self._tasks.cancel()

    def rebuild(self) -> Placement:
        """See `PackedHosts`; returns where hosts run then."""
        self._hosts.rebuild()
        return self._hosts.placement

    def directory(self) -> dict[str, dict[str, tuple[int, int]]]:
        """See `Cluster`."""
        return self._hosts.directory()

    def connect(self, placement: Mapping[str, str], lookahead_of_host: Mapping[str, int]) -> dict[str, HostStatus]:
        """See `Cluster`."""
        return self._hosts.connect(placement, lookahead_of_host)

    def step(self, requests: Mapping[str, WindowRequest]) -> dict[str, PackedReply]:
        """See `Cluster`."""
        return self._hosts.step(requests)

    def accounts(self) -> dict[str, dict[str, int]]:
        """See `Cluster`."""
        return self._hosts.accounts()

    def snapshot(self) -> list[bytes]:
        """See `PackedHosts`."""
        return self._hosts.snapshot()

    def restore(self, packed_actors: bytes) -> None:
        """See `Cluster`."""
        self._hosts.restore(packed_actors)


def serve(connection: Connection) -> None:
    """Answer requests (a method of `Service` and its arguments) with ("returned", value) or ("raised", error), after
    any number of ("said", line), until the other end closes; then release everything.
    """
    parent = _ParentWatch(connection.fileno())
    with suppress(_Abandoned, EOFError, ConnectionError), ExitStack() as resources:
        service = Service(resources, lambda line: connection.send(("said", line)))
        try:
            while True:
                method, arguments = connection.recv()
                connection.send(_answer(getattr(service, method), arguments))
        finally:
            parent.leave()  # an interrupt would leave Ray's shutdown halfway, and Python's exit would resume it


def _answer(method: Callable[..., Any], arguments: tuple[Any, ...]) -> tuple[str, Any]:
    try:
        return "returned", method(*arguments)
    except (RuntimeFailure, SimulationError, PolicyError) as error:
        return "raised", error
    except Exception as error:
        return "raised", RuntimeError("".join(traceback.format_exception(error)))


class _ParentWatch:
    """Interrupts this process's main thread once the other end is closed, whatever it is doing, and ends the process
    if it does not end by itself then. Other signals are for the run to answer.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor, self._leaving = descriptor, False
        for number in interrupts():
            signal.signal(number, lambda *_: None)  # a handler, because Ray's processes would inherit an ignored signal
        signal.signal(signal.SIGUSR1, self._abandon)
        threading.Thread(target=self._look, daemon=True).start()

    def leave(self) -> None:
        """Interrupt no more: this process is ending."""
        self._leaving = True

    def _abandon(self, number: int, frame: FrameType | None) -> None:
        if not self._leaving:
            self._leaving = True
            raise _Abandoned

    def _look(self) -> None:
        closed = select.poll()
        closed.register(self._descriptor, 0)  # reports nothing but a hang-up
        closed.poll()
        _thread.interrupt_main(signal.SIGUSR1)
        time.sleep(_END_SECONDS)
        os._exit(1)
