"""Prepare the process of a command before anything large is imported. This module itself imports next to nothing."""

from __future__ import annotations

import atexit
import os
import signal
import sys
from contextlib import suppress
from types import FrameType
from typing import TYPE_CHECKING

from ceas_ray.kernel.signals import interrupts
from ceas_ray.tracking.start_line import START_LINE

if TYPE_CHECKING:
    from ceas_ray.runtime.warm_processes import WarmProcesses

_INTERRUPTED = 130
_RUN = "ceas-ray"
_started: list[WarmProcesses] = []
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")


def prepare(package: str) -> None:
    """Give this process one thread, so that it computes the same bits everywhere, and let signals end a command.

    package: the name of the package with the commands. If this process is one of them, and does not merely import the
    package, a signal ends it at once until `answered` takes over, and changes nothing once everything is over.
    """
    for name in _THREADS:
        os.environ.setdefault(name, "1")
    if is_command(package, sys.argv[0], sys.orig_argv):
        for number in interrupts():
            signal.signal(number, _end)
        atexit.register(_ignore)
        if os.path.basename(sys.argv[0]) == _RUN or _module(sys.orig_argv) == f"{package}.run":
            START_LINE.begin(sys.argv[1:])
            _start_processes()


def processes_of_sweep() -> WarmProcesses | None:
    """Return the processes that were started for the sweep on this process's command line, once; None if there are
    none. Whoever takes them ends them.
    """
    return _started.pop() if _started else None


def _start_processes() -> None:
    """Let processes for a sweep import while this one does."""
    from ceas_ray.runs.sweeps.processes import start_processes, takes_processes

    if takes_processes(sys.argv[1:], os.environ):
        _started.append(start_processes())


def is_command(package: str, name: str, words: list[str]) -> bool:
    """Return whether a process runs a module of the package, or one of our installed scripts, as a command.

    name: `sys.argv[0]`, which is "-m" while Python looks for the module that it was told to start. words: all words of
    its command line.
    """
    if "--multiprocessing-fork" in words:
        return False  # a worker that loads its parent's main module
    return os.path.basename(name).startswith("ceas-") or (name == "-m" and _module(words).startswith(f"{package}."))


def _module(words: list[str]) -> str:
    after = words.index("-m") + 1 if "-m" in words else len(words)
    return "".join(words[after : after + 1])


def _end(number: int, frame: FrameType | None) -> None:
    """End the process at once and without a traceback: nothing has begun yet, or everything is over."""
    with suppress(OSError, RuntimeError, ValueError):  # the signal came in the middle of a print
        sys.stdout.flush()
    os._exit(_INTERRUPTED)


def _ignore() -> None:
    """Ignore signals from now on: the exit code is known, and Python is about to give up the answers to signals."""
    for number in interrupts():
        signal.signal(number, signal.SIG_IGN)
