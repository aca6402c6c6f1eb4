"""A folder that is gone afterwards, with all processes that work in it, even if this process is killed."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

_LONGEST_PARENT = 32
"""Characters: the paths of sockets in the folder may have 107 in all."""
_QUIET_LOOKS, _LOOK_SECONDS, _MOST_SECONDS = 5, 0.2, 30.0
"""No process of the folder was seen in so many looks on end: a last one may just have been starting another."""


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """A new folder with a short path; afterwards no process is left whose command line names it, and the folder is
    removed. A small process of its own does that, so that it is done if this one is killed too."""
    parent = tempfile.gettempdir()
    folder = Path(tempfile.mkdtemp(prefix="ceas_", dir=parent if len(parent) <= _LONGEST_PARENT else "/tmp"))
    guard = subprocess.Popen(
        [sys.executable, "-S", "-c", _guard_program(), str(folder)], stdin=subprocess.PIPE, start_new_session=True
    )
    try:
        yield folder
    finally:
        guard.communicate()


def _guard_program() -> str:
    """This file again, with a path that finds psutil and nothing else loaded; it waits until our end of the pipe
    closes, however this process ends."""
    found = [str(Path(psutil.__file__).parents[1]), str(Path(__file__).parents[2])]
    return (
        f"import sys; sys.path += {found!r}; sys.stdin.buffer.read(); "
        f"from {__name__} import remove; remove(sys.argv[1])"
    )


def remove(folder: str) -> None:
    """End every process whose command line names the folder, but this one, and delete the folder."""
    until, quiet = time.monotonic() + _MOST_SECONDS, 0
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
    """Those that name it, and all that descend from them: workers of Ray rename themselves."""
    found: dict[int, psutil.Process] = {}
    for process in psutil.process_iter():
        try:
            words = process.cmdline()
            if process.pid == psutil.Process().pid or not any(_names(word, folder) for word in words):
                continue
            for one in (process, *process.children(recursive=True)):
                if one.status() != psutil.STATUS_ZOMBIE:
                    found[one.pid] = one
        except psutil.Error:
            continue  # it ended meanwhile
    return list(found.values())


def _names(word: str, folder: str) -> bool:
    """Whether a word of a command line is the folder, or a path in it, or assigns one."""
    at = word.find(folder)
    return at >= 0 and word[at + len(folder) :][:1] in ("", "/", " ", ",", ":", '"')
