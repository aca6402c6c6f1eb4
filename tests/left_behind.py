"""What tests have left on this machine, so far as this process of pytest is answerable for it: two may go side by side.

Each process of pytest marks what it starts, in the environment, and has a folder of its own for temporary files.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import psutil

MARK = "CEAS_RAY_TESTS"
_SHARED_MEMORY = Path("/dev/shm")


def mark_what_is_started() -> None:
    """Mark every process that this one starts from now on, and what those start."""
    os.environ[MARK] = str(os.getpid())


def use_temporary_folder_of_its_own(worker: str) -> Callable[[], None]:
    """Let this process, and what it starts, keep temporary files in a new folder; return what removes it."""
    before = os.environ.get("TMPDIR")
    folder = tempfile.mkdtemp(prefix=f"{worker}_", dir="/tmp")
    os.environ["TMPDIR"] = tempfile.tempdir = folder

    def remove() -> None:
        if before is None:
            del os.environ["TMPDIR"]
        else:
            os.environ["TMPDIR"] = before
        tempfile.tempdir = None
        shutil.rmtree(folder, ignore_errors=True)

    return remove


def ray_processes() -> list[psutil.Process]:
    """Return the processes of Ray on this machine, without those that another process of pytest has started."""
    found = [p for p in psutil.process_iter(["cmdline"]) if "raylet" in " ".join(p.info["cmdline"] or [])]
    return [process for process in found if not _is_of_other_tests(process)]


def temporary_folders() -> set[Path]:
    """Return the folders of clusters that tests of this process may have made."""
    return set(Path(tempfile.gettempdir()).glob("ceas_*"))


def shared_memory() -> set[str]:
    """Return the files in shared memory, those of other tests with them: they go when these end."""
    return {path.name for path in _SHARED_MEMORY.iterdir()}


def _is_of_other_tests(process: psutil.Process) -> bool:
    """Whether it is marked by others. What has no mark, and cannot be asked while it lives, is taken for ours."""
    try:
        return process.environ().get(MARK, os.environ[MARK]) != os.environ[MARK]
    except psutil.AccessDenied:
        return False
    except psutil.NoSuchProcess:  # it has ended meanwhile
        return True
