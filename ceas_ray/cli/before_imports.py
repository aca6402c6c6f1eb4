"""What every command does before anything large is imported; the package calls it, and it loads next to nothing."""

from __future__ import annotations

import os
import signal
import sys
from contextlib import suppress
from types import FrameType

from ceas_ray.kernel.signals import interrupts

_INTERRUPTED = 130
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")


def prepare(package: str) -> None:
    """Set one thread per process: the same bits everywhere. Where this process is a command of this package, and not
    one that imports it, signals end it at once until `answered` takes them."""
    for name in _THREADS:
        os.environ.setdefault(name, "1")
    if is_command(package, sys.argv[0], sys.orig_argv):
        for number in interrupts():
            signal.signal(number, _end)


def is_command(package: str, name: str, words: list[str]) -> bool:
    """Return whether the process of this command line starts a module of the package, or an installed script of ours.

    name: `sys.argv[0]`, which is "-m" while Python looks for the module that it was told to start.
    """
    if "--multiprocessing-fork" in words:
        return False  # a worker that loads its parent's main module
    return os.path.basename(name).startswith("ceas-") or (name == "-m" and _module(words).startswith(f"{package}."))


def _module(words: list[str]) -> str:
    after = words.index("-m") + 1 if "-m" in words else len(words)
    return "".join(words[after : after + 1])


def _end(number: int, frame: FrameType | None) -> None:
    """End at once, since nothing has begun or all is over, without a traceback."""
    with suppress(OSError, RuntimeError, ValueError):  # it came in the middle of a print
        sys.stdout.flush()
    os._exit(_INTERRUPTED)
