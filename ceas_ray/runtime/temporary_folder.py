"""A folder that is gone afterwards, even if this process is killed."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_REMOVE = 'cat > /dev/null; for _ in 1 2 3 4 5 6 7 8 9 10; do rm -rf -- "$1" 2> /dev/null && exit; sleep 1; done'
"""Waits until the pipe from this process closes, however it ended; what still writes there then gets ten seconds."""
_LONGEST_PARENT = 32
"""Characters: the paths of sockets in the folder may have 107 in all."""


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """A new folder with a short path; a small process of its own removes it if this one cannot."""
    parent = tempfile.gettempdir()
    folder = Path(tempfile.mkdtemp(prefix="ceas_", dir=parent if len(parent) <= _LONGEST_PARENT else "/tmp"))
    guard = subprocess.Popen(
        ["/bin/sh", "-c", _REMOVE, "sh", str(folder)], stdin=subprocess.PIPE, start_new_session=True
    )
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        guard.communicate()
