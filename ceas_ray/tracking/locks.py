"""Locks between processes, also on file systems that have none of their own."""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import SoftFileLock, Timeout

_NO_LOCKS = (errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOLCK, errno.EINVAL)
"""What `flock` says where a file system does not have it: some network and cluster file systems."""
_MAX_SECONDS = 120


class HeldLock:
    """A lock on a file that is open, held until `release` or the end of this process.

    Where the file system has no `flock`, a file NAME.lock stands for the lock; its content is the holder's process and
    machine, and one that a dead process of this machine left is taken over.
    """

    def __init__(self, file: int, path: Path, warn: Callable[[str], None]) -> None:
        """Raise BlockingIOError if another process holds it. warn: hears of a file system without locks."""
        self._soft: Any = None
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno not in _NO_LOCKS:
                raise
            self._soft = _soft_lock(path, warn, error)
            try:
                self._soft.acquire(timeout=0)
            except Timeout:
                raise BlockingIOError(errno.EWOULDBLOCK, os.strerror(errno.EWOULDBLOCK), str(path)) from None

    def release(self) -> None:
        """Give up what closing the file does not: the file that stands for the lock."""
        if self._soft is not None:
            self._soft.release()


@contextmanager
def exclusive(path: Path, warn: Callable[[str], None]) -> Iterator[None]:
    """Wait for the lock at `path` (made if need be) and hold it.

    Raises OSError if it is not to be had in two minutes.
    """
    with path.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
        except OSError as error:
            if error.errno not in _NO_LOCKS:
                raise
            try:
                with _soft_lock(path, warn, error).acquire(timeout=_MAX_SECONDS):
                    yield
            except Timeout:
                raise OSError(errno.EWOULDBLOCK, f"held by another process for {_MAX_SECONDS} s", str(path)) from None
        else:
            yield


def _soft_lock(path: Path, warn: Callable[[str], None], error: OSError) -> SoftFileLock:
    lock = path.with_name(f"{path.name}.lock")
    warn(f"{path.parent}: this file system has no locks ({error.strerror}); {lock.name} stands for one")
    return SoftFileLock(lock)
