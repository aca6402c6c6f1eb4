"""Warm processes of this machine, among which the jobs of a sweep are divided: what `RayTasks` does on a cluster.

A first process imports what jobs take while the command does other things. Then it is forked into workers, which are
warm at once. All have a process group of their own: Ctrl-C reaches the command alone, which tells them. They end with
the command, however it ends.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.reduction import send_handle
from typing import Any, Generic, TypeVar

import cloudpickle

from ceas_ray.runtime.child_process import start_child
from ceas_ray.runtime.failure import RuntimeFailure
from ceas_ray.runtime.placement import Machine, Request
from ceas_ray.runtime.process_end import interrupted_while_ending

_PROGRAM = (
    "sys.path[:], sys.argv[:], module = connection.recv(); "
    "from ceas_ray.runtime.forked_worker import serve; serve(connection, module)"
)
_NO_CPUS = 1e-9
"""Rounding that a sum of requests may exceed the CPUs by."""
_NOTHING = Request(0.0, 0)
_KILLED = "its process was killed"
T = TypeVar("T")
R = TypeVar("R")


@dataclass(eq=False)
class _Worker:
    """A process with its end of a socket. pid: None until it has said so."""

    connection: Connection
    pid: int | None = None
    number: int = -1
    request: Request = _NOTHING


class WarmProcesses:
    """The first process, and the workers it was forked into: at most `processes` at the same time."""

    def __init__(self, processes: int, memory_bytes: float, imports: str) -> None:
        """Start the first process. imports: the module that it imports; memory_bytes: what all jobs may take."""
        self.machine = Machine("", os.uname().nodename, float(processes), memory_bytes)
        self._connection, self._process = start_child(_PROGRAM)
        self._workers: list[_Worker] = []
        self._ask(sys.path, sys.argv, imports)

    def warm_up(self, function: Callable[[], object]) -> None:
        """Call a function in the first process before it is forked next; what it raises is not heard."""
        self._ask("warm up", cloudpickle.dumps(function))

    def idle(self) -> _Worker | None:
        """Return a worker that does nothing, a new one if there may be one more, or None."""
        for worker in self._workers:
            if worker.number < 0:
                return worker
        return self._forked() if len(self._workers) < self.machine.processors else None

    def forget(self, worker: _Worker) -> None:
        """Take note that a worker has died."""
        self._workers.remove(worker)
        worker.connection.close()

    def end(self) -> None:
        """Kill the workers and the first process. An interrupt waits until they are gone."""
        if not self._workers:
            self._process.kill()  # it may be importing, and has nobody to end
        self._connection.close()
        interrupted = interrupted_while_ending(self._process)
        while self._workers:
            self._workers.pop().connection.close()
        if interrupted:
            raise KeyboardInterrupt

    def _forked(self) -> _Worker:
        ours, theirs = socket.socketpair()
        with theirs:
            self._ask("fork", None)
            with suppress(ConnectionError):  # whoever waits for the worker learns that it is not there
                send_handle(self._connection, theirs.fileno(), self._process.pid)
        worker = _Worker(Connection(ours.detach()))
        self._workers.append(worker)
        return worker

    def _ask(self, *request: Any) -> None:
        with suppress(ConnectionError):
            self._connection.send(request)


@contextmanager
def ended(processes: WarmProcesses) -> Iterator[WarmProcesses]:
    """Yield the processes, and end them afterwards."""
    try:
        yield processes
    finally:
        processes.end()


class ProcessTasks(Generic[T, R]):
    """Tasks of one function in warm processes; see `RayTasks`. A task that fails leaves the others alone."""

    def __init__(self, processes: WarmProcesses, function: Callable[[T, bool], R]) -> None:
        """function: gets an item, and that it runs on this machine."""
        self._processes, self._function = processes, cloudpickle.dumps(function)
        self._queue: deque[tuple[int, T, Request]] = deque()
        self._busy: list[_Worker] = []

    def __len__(self) -> int:
        """Return the number of tasks that have not ended."""
        return len(self._queue) + len(self._busy)

    def submit(self, number: int, item: T, request: Request) -> None:
        """Begin a task as soon as the tasks before it have begun and there is room for it."""
        self._queue.append((number, item, request))
        self._begin()

    def ended(self, seconds: float) -> list[tuple[int, R | RuntimeFailure]]:
        """Wait this long at most; return the numbers of tasks that have ended, with what they returned or why not."""
        found: list[tuple[int, R | RuntimeFailure]] = []
        ready = wait([worker.connection for worker in self._busy], seconds)
        for worker in [worker for worker in self._busy if worker.connection in ready]:
            number, said = worker.number, self._said(worker)
            if said is not None:
                found.append((number, said[0]))
        self._begin()
        return found

    def cancel(self) -> None:
        """Interrupt the tasks that run, and forget those that have not begun."""
        self._queue.clear()
        for worker in self._busy:
            if worker.pid is not None:
                with suppress(ProcessLookupError):
                    os.kill(worker.pid, signal.SIGUSR1)

    def _begin(self) -> None:
        while self._queue and self._has_room(self._queue[0][2]):
            worker = self._processes.idle()
            if worker is None:
                return
            worker.number, item, worker.request = self._queue.popleft()
            self._busy.append(worker)
            with suppress(ConnectionError):  # `ended` finds that it was killed
                worker.connection.send((self._function, item))

    def _has_room(self, request: Request) -> bool:
        """Return whether a task fits beside those that run; one always runs, whatever it takes."""
        machine, running = self._processes.machine, [worker.request for worker in self._busy]
        cpus = sum(one.cpus for one in running) + request.cpus
        memory = sum(one.memory_bytes for one in running) + request.memory_bytes
        return not running or (cpus <= machine.processors + _NO_CPUS and memory <= machine.memory_bytes)

    def _said(self, worker: _Worker) -> tuple[R | RuntimeFailure] | None:
        """Return how the task of a worker ended; None if the worker has only said which process it is."""
        try:
            kind, content = worker.connection.recv()
        except (EOFError, ConnectionError):
            self._busy.remove(worker)
            self._processes.forget(worker)
            return (RuntimeFailure(_KILLED),)
        if kind == "began":
            worker.pid = content
            return None
        self._busy.remove(worker)
        worker.number = -1
        return (RuntimeFailure(content) if kind == "raised" else content,)
