"""A folder that is removed afterwards, with all processes that work for it, even if this process is killed."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

_LONGEST_PARENT = 32
"""Maximum length in characters: the paths of sockets in the folder may have 107 in all."""
_MARK = "CEAS_RAY_TEMPORARY_FOLDER"
_RENAMED = "ray::"
_QUIET_LOOKS, _LOOK_SECONDS, _MAX_SECONDS = 5, 0.2, 30.0
"""This many looks in a row must see no process of the folder: the last one may have been starting another."""


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """Yield a folder with a short path; afterwards end every process that was started for it, and remove it.

    All that this process starts meanwhile is marked in its environment, and so is what those start. A small process of
    its own ends them, also if this one is killed; it spares other processes that only look into the folder.
    """
    parent = tempfile.gettempdir()
    folder = Path(tempfile.mkdtemp(prefix="ceas_", dir=parent if len(parent) <= _LONGEST_PARENT else "/tmp"))
    with _ends_blocked():
        guard = subprocess.Popen(
            [sys.executable, "-S", "-c", _guard_program(), str(folder)], stdin=subprocess.PIPE, start_new_session=True
        )
    os.environ[_MARK] = str(folder)
    try:
        yield folder
    finally:
        del os.environ[_MARK]
        guard.communicate()


def parent_of_temporary_files() -> str | None:
    """Return the folder of the cluster that this process works for, which goes with it; None for the system's own."""
    return os.environ.get(_MARK)


@contextmanager
def _ends_blocked() -> Iterator[None]:
    """Block SIGTERM and SIGHUP, which job schedulers send to every process of a job, in processes that start
    meanwhile."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGHUP})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _guard_program() -> str:
    """Return the guard's program: this file, with a path that finds psutil, and nothing else loaded. It waits until our
    end of the pipe closes, however this process ends.
    """
    found = [str(Path(psutil.__file__).parents[1]), str(Path(__file__).parents[2])]
    return (
        f"import sys; sys.path += {found!r}; sys.stdin.buffer.read(); "
        f"from {__name__} import remove; remove(sys.argv[1])"
    )


def remove(folder: str) -> None:
    """End every process that works for the folder, and delete the folder."""
    until, quiet = time.monotonic() + _MAX_SECONDS, 0
    while quiet < _QUIET_LOOKS and time.monotonic() < until:
        working = _processes_of(folder)
        for process in working:
            try:
                process.kill()
            except psutil.Error:
                continue  # it ended meanwhile
        quiet = 0 if working else quiet + 1
        shutil.rmtree(folder, ignore_errors=True)
        time.sleep(_LOOK_SECONDS)


def _processes_of(folder: str) -> list[psutil.Process]:
    """Return the processes that work for the folder, and all that descend from them."""
    found: dict[int, psutil.Process] = {}
    for process in psutil.process_iter():
        try:
            if process.pid == os.getpid() or not _works_for(process, folder):
                continue
            for one in (process, *process.children(recursive=True)):
                if one.status() != psutil.STATUS_ZOMBIE:
                    found[one.pid] = one
        except psutil.Error:
            continue  # the process ended meanwhile, or is another user's
    return list(found.values())


def _works_for(process: psutil.Process, folder: str) -> bool:
    """Return whether a process is marked, or was renamed by Ray, which may overwrite marks, and logs to the folder."""
    if process.environ().get(_MARK) == folder:
        return True
    renamed = "".join(process.cmdline()[:1]).startswith(_RENAMED)
    return renamed and any(file.path.startswith(f"{folder}/") for file in process.open_files())
