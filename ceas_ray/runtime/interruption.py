"""Ctrl-C, SIGTERM and SIGHUP end every command within some seconds, whatever it is doing.

The first signal raises KeyboardInterrupt in the main thread, or waits a moment for a round that is under way. Compiled
code answers no signal before it returns, so a second thread learns of signals too, and ends the process if the main
thread does not end it in time. A second signal ends it at once.
"""

from __future__ import annotations

import multiprocessing
import multiprocessing.connection
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any

import psutil

from ceas_ray.kernel.signals import interrupts
from ceas_ray.runtime.ray_environment import seconds_to_stop_job

INTERRUPTED = 130
ROUND_SECONDS = 3.0
"""Seconds for which a round may go on after a signal."""
_END_SECONDS = 6.0
"""Seconds that an orderly end may take after that."""
_ROUND_SHARE_OF_JOB, _END_SHARE_OF_JOB = 0.25, 0.5
"""Shares of the seconds after which Ray kills a job that it stops; together they are less than 1."""
_PRESSING_SHARE = 0.5
"""Share of the time for a round after which the round is ended where it stands."""
_AGAIN_SECONDS = 0.05
"""Seconds after which an interrupt is raised again if it was lost in code that cannot raise it."""
_QUIET_SECONDS = 1.0
"""Seconds after which a line says what is going on."""
_SAME_SECONDS = 0.3
"""Seconds within which signals count as one, because shells send the same signal to a process and to its group."""


class Interrupted(KeyboardInterrupt):
    """An interrupt that a signal raised.

    A subclass is needed: when a KeyboardInterrupt itself leaves code that `exec` was given as text, as dataclasses do,
    Python notes that nobody caught it, and in the end kills its own process by SIGINT even if it was caught later.
    """


class Interruption:
    """The state of this process's interruption by signals; made by `answered`."""

    def __init__(self) -> None:
        self.requested = self.time_ran_out = False
        self.farewell = ""
        """Line that is printed if the process is ended from a second thread; none if empty."""
        self._requested_at = 0.0
        self._deferred = self._swallowed = False
        self._unraisable_before: Any = sys.unraisablehook
        self._last_resort: Callable[[], object] | None = None
        self._over = threading.Event()
        self._writer: int | None = None
        self._wakeup_before = -1
        self._handlers_before: dict[int, Any] = {}
        self._signals = interrupts()
        job = seconds_to_stop_job()
        self._round_seconds = ROUND_SECONDS if job is None else _ROUND_SHARE_OF_JOB * job
        self._end_seconds = _END_SECONDS if job is None else _END_SHARE_OF_JOB * job

    @contextmanager
    def deferred(self, last_resort: Callable[[], object]) -> Iterator[None]:
        """Let the caller end by itself once it sees `requested`; it is interrupted if that takes too long.

        last_resort: records what is known, in case the process has to be ended from a second thread.
        """
        self._deferred, self._last_resort = True, last_resort
        try:
            yield
        finally:
            self._deferred, self._last_resort = False, None

    @property
    def is_pressing(self) -> bool:
        """Whether a signal came so long ago that a round must now be ended where it stands."""
        return self.requested and time.monotonic() - self._requested_at > _PRESSING_SHARE * self._round_seconds

    def end_within(self, seconds: float) -> None:
        """Interrupt the main thread after this many seconds even without a signal, which `time_ran_out` then tells.

        Do nothing where somebody else answers signals.
        """
        if self._handlers_before and not self.requested:
            signal.setitimer(signal.ITIMER_REAL, seconds)

    def end_in_order(self) -> None:
        """Raise no interrupt any more: the caller is ending already."""
        self._deferred = False
        if self._handlers_before:
            signal.setitimer(signal.ITIMER_REAL, 0)

    def begin(self) -> None:
        """Answer signals from now on. Only the main thread may call this."""
        reader, self._writer = os.pipe()
        os.set_blocking(self._writer, False)
        self._wakeup_before = signal.set_wakeup_fd(self._writer, warn_on_full_buffer=False)
        threading.Thread(target=self._watch, args=(reader,), daemon=True).start()
        self._unraisable_before, sys.unraisablehook = sys.unraisablehook, self._swallow
        for number, handler in ((signal.SIGALRM, self._patience_is_over), *((n, self._handle) for n in self._signals)):
            self._handlers_before[number] = signal.getsignal(number)
            signal.signal(number, handler)

    def end(self) -> None:
        """Restore the former handlers of signals. A signal that comes now is too late to interrupt anything."""
        self._over.set()
        signal.setitimer(signal.ITIMER_REAL, 0)
        if sys.unraisablehook == self._swallow:
            sys.unraisablehook = self._unraisable_before
        while self._handlers_before:
            number, handler = self._handlers_before.popitem()
            signal.signal(number, handler)
        if self._writer is not None:
            signal.set_wakeup_fd(self._wakeup_before)
            os.close(self._writer)
            self._writer = None

    def _handle(self, number: int, frame: FrameType | None) -> None:
        """Interrupt the main thread once; the watching thread answers later signals."""
        if self.requested or self._over.is_set():
            return
        self.requested = True
        self._requested_at = time.monotonic()
        if not self._deferred:
            raise Interrupted
        signal.setitimer(signal.ITIMER_REAL, self._round_seconds)

    def _patience_is_over(self, number: int, frame: FrameType | None) -> None:
        if self._deferred or self._swallowed:
            self._deferred = self._swallowed = False
            self.time_ran_out = not self.requested
            raise Interrupted

    def _swallow(self, unraisable: Any) -> None:
        """Raise an interrupt again that came within a callback of compiled code, where it cannot be raised."""
        if not issubclass(unraisable.exc_type, KeyboardInterrupt):
            self._unraisable_before(unraisable)
        elif not self._over.is_set():
            self._swallowed = True
            signal.setitimer(signal.ITIMER_REAL, _AGAIN_SECONDS)

    def _watch(self, reader: int) -> None:
        first = 0.0
        while received := os.read(reader, 64):
            if not any(number in self._signals for number in received):
                continue
            now = time.monotonic()
            if first and now - first > _SAME_SECONDS:
                self._end(None)
            if not first:
                first = now
                threading.Thread(target=self._enforce, daemon=True).start()
        os.close(reader)

    def _enforce(self) -> None:
        patience = self._end_seconds + (self._round_seconds if self._deferred else 0.0)
        if self._over.wait(_QUIET_SECONDS):
            return
        os.write(sys.stderr.fileno(), b"ending in order; a second signal ends at once\n")
        if not self._over.wait(patience - _QUIET_SECONDS):
            self._end(self._last_resort)

    def _end(self, last_resort: Callable[[], object] | None) -> None:
        try:
            if last_resort is not None:
                last_resort()
        finally:
            with suppress(OSError):
                os.write(sys.stderr.fileno(), f"{self.farewell}\n".encode() if self.farewell else b"")
            _end_children()
            os._exit(INTERRUPTED)


def answered(command: Callable[[Interruption], int]) -> int:
    """Run a command that signals can end. Return its exit code, or INTERRUPTED."""
    interruption = Interruption()
    if threading.current_thread() is not threading.main_thread():
        return command(interruption)
    try:
        try:
            interruption.begin()
            return command(interruption)
        finally:
            interruption.end()
    except KeyboardInterrupt:
        interruption.end()  # the one interrupt may have come before its first line, just above
        return INTERRUPTED


def end_workers() -> None:
    """Kill the worker processes of this one."""
    for worker in multiprocessing.active_children():
        worker.kill()


def _end_children() -> None:
    """Kill all descendants of this process, except those that end by themselves once their work is done.

    These are processes with a process group of their own (guards of folders, and Ray's processes, which a guard ends)
    and the tracker that deletes semaphores.
    """
    group = os.getpgid(0)
    for child in psutil.Process().children(recursive=True):
        with suppress(ProcessLookupError, psutil.Error):
            if os.getpgid(child.pid) == group and not any("resource_tracker" in word for word in child.cmdline()):
                child.kill()


def leave_signals_to_parent() -> None:
    """Let the parent of this worker process answer Ctrl-C, which reaches both, and end this process when it is lost."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    assert parent is not None, "not a worker process"
    threading.Thread(target=_end_with, args=(parent.sentinel,), daemon=True).start()


def _end_with(sentinel: int) -> None:
    multiprocessing.connection.wait([sentinel])
    os._exit(INTERRUPTED)
