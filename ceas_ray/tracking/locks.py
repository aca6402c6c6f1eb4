"""Locks between processes, also on file systems that have none of their own. Who holds one is written in its file."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

import psutil

from ceas_ray.tracking.plain_files import content_of, opened

LOCK = ".lock"
"""The file by which a folder is held; it is there only as long as somebody holds it, or was killed meanwhile."""

_NO_LOCKS = (errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOLCK, errno.EINVAL)
"""What `flock` says where a file system does not have it: some network and cluster file systems."""
_GONE = (errno.ENOENT, errno.ENOTDIR, errno.ESTALE)
_MAX_SECONDS, _LOOK_SECONDS, _MOMENT_SECONDS = 120.0, 0.1, 0.5
_MAX_BYTES = 4096


class LockLost(Exception):
    """A lock was held, and is not any more: its folder was moved or deleted, or another process took it over.

    folder: where the folder is now; None: nobody knows. is_deleted: nothing is left of it.
    """

    def __init__(self, said: str, *, folder: Path | None = None, is_deleted: bool = False) -> None:
        super().__init__(said)
        self.folder, self.is_deleted = folder, is_deleted


@dataclass(frozen=True)
class Holder:
    """A process that holds a lock, as its file says.

    world: where its number is a process's: one start of one machine, or container.
    """

    process: int
    machine: str
    world: str
    since: str
    token: str

    @classmethod
    def this_process(cls) -> Holder:
        """Return this process, which holds it from now on; a token makes it differ from whatever held it before."""
        since = datetime.now().astimezone().isoformat(sep=" ", timespec="seconds")
        return cls(os.getpid(), os.uname().nodename, _world(), since, secrets.token_hex(8))

    @classmethod
    def of(cls, content: bytes) -> Holder | None:
        """Return who wrote a lock's content; None if it is not whole."""
        try:
            found = cls(**json.loads(content))
            texts = (found.machine, found.world, found.since, found.token)
            whole = type(found.process) is int and all(isinstance(text, str) and text.isprintable() for text in texts)
        except (ValueError, TypeError, RecursionError):
            return None
        return found if whole else None

    def content(self) -> bytes:
        """Return what the file of its lock holds."""
        return json.dumps(asdict(self)).encode() + b"\n"

    def is_here(self) -> bool:
        """Return whether it is, or was, a process of this machine, whose end can be known."""
        return self.world == _world()

    def is_dead(self) -> bool:
        """Return whether it is known that the process has ended: of another machine's nothing is known."""
        if not self.is_here():
            return False
        try:
            return psutil.Process(self.process).status() == psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return True

    def __str__(self) -> str:
        return f"process {self.process} on {self.machine} since {self.since}"


def _world() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip() + os.readlink("/proc/self/ns/pid")
    except OSError:
        return os.uname().nodename


class HeldLock:
    """A lock, held from here until `release` or the end of this process.

    Its file names the holder. Where the file system has `flock`, that decides; where not, the file itself stands for
    the lock, and one that a dead process of this machine left is taken over.
    """

    def __init__(self, path: Path, warn: Callable[[str], None]) -> None:
        """path: the file of the lock, in a folder that exists. warn: hears of a file system without locks.

        Raises BlockingIOError, which says who, if another process holds it, and OSError if it cannot be made.
        """
        self.folder, self._path = path.parent, path
        self._content = Holder.this_process().content()
        self._place = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            self._file = self._acquired(warn)
        except BaseException:
            os.close(self._place)
            raise

    def _acquired(self, warn: Callable[[str], None]) -> int:
        while True:
            file, made = _found_or_made(self._path)
            try:
                if self._is_ours(file, made, warn):
                    os.pwrite(file, self._content, 0)
                    os.ftruncate(file, len(self._content))
                    return file
            except BaseException as error:
                if made and not isinstance(error, BlockingIOError):
                    self._path.unlink(missing_ok=True)
                os.close(file)
                raise
            os.close(file)

    def _is_ours(self, file: int, made: bool, warn: Callable[[str], None]) -> bool:
        """Return whether the open file is the lock and ours; False: look again. made: whether we made it just now."""
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise held_by(self._path, _said_by_holder(file)) from None
        except OSError as error:
            if error.errno not in _NO_LOCKS:
                raise
            if made:
                warn(
                    f"{self.folder}: this file system has no locks ({error.strerror}); {self._path.name} stands for one"
                )
                return True
            content = _said_by_holder(file)
            holder = Holder.of(content)
            if holder is None or not holder.is_dead():
                raise held_by(self._path, content, f"; delete {self._path} if that has ended") from None
            _put_aside(self._path, file)
            return False
        return _is_at(self._path, file)

    def require_held(self) -> None:
        """Raise LockLost, which says what happened, if the lock is not at its path any more, or not ours."""
        try:
            content = content_of(self._path, _MAX_BYTES)
        except OSError as error:
            if error.errno in _GONE:
                raise self._lost(None) from None
            return  # a disk that does not answer is found out by who writes
        if content != self._content:
            raise self._lost(content)

    def _lost(self, content: bytes | None) -> LockLost:
        if os.fstat(self._place).st_nlink == 0:
            return LockLost(f"{self.folder} was deleted while this process wrote to it", is_deleted=True)
        if not _is_at(self.folder, self._place):
            with suppress(OSError):
                now = Path(os.readlink(f"/proc/self/fd/{self._place}"))
                return LockLost(f"{self.folder} was moved to {now} while this process wrote to it", folder=now)
            return LockLost(f"{self.folder} was moved or deleted while this process wrote to it")
        if content is None:
            return LockLost(f"{self._path} was deleted, by which this process held the folder")
        holder = Holder.of(content)
        return LockLost(f"{self.folder} was taken over by {'another process' if holder is None else holder}")

    def release(self) -> None:
        """Give the lock up."""
        with suppress(OSError):  # what cannot be deleted now is taken over by the next one
            if content_of(self._path, _MAX_BYTES) == self._content:
                self._path.unlink()
        os.close(self._file)
        os.close(self._place)


def _found_or_made(path: Path) -> tuple[int, bool]:
    """Return the open file of a lock, and whether this call made it."""
    while True:
        with suppress(FileExistsError):
            return opened(path, os.O_RDWR | os.O_CREAT | os.O_EXCL), True
        if not path.parent.exists():
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path.parent))
        with suppress(FileNotFoundError):
            return opened(path, os.O_RDWR), False


def _said_by_holder(file: int) -> bytes:
    """Return what is in the file of a lock; whoever has just taken it is given a moment to write."""
    until = time.monotonic() + _MOMENT_SECONDS
    while not (content := os.pread(file, _MAX_BYTES, 0)) and time.monotonic() < until:
        time.sleep(_MOMENT_SECONDS / 20)
    return content


def _is_at(path: Path, file: int) -> bool:
    """Return whether an open file is the one that is found at a path."""
    try:
        return os.path.samestat(os.stat(path), os.fstat(file))
    except FileNotFoundError:
        return False


def _put_aside(path: Path, file: int) -> None:
    """Remove the lock that a dead process left, which is open as `file`, and no newer one."""
    aside = path.with_name(f"{path.name}.{os.getpid()}.old")
    with suppress(FileNotFoundError):
        path.rename(aside)
        if _is_at(aside, file):
            aside.unlink()
        else:
            aside.rename(path)


def held_by(path: Path | str, content: bytes, more: str = "") -> BlockingIOError:
    """Return the error for a lock that another process holds. content: of its file. more: what to do about that."""
    holder = Holder.of(content)
    who = "a process that did not say which" if holder is None else str(holder)
    return BlockingIOError(errno.EWOULDBLOCK, f"held by {who}{more}", str(path))


def holder_of(path: Path) -> str | None:
    """Return who holds the lock at `path`, in words; None if nobody does. Raises OSError where that is not known."""
    if not path.exists():
        return None
    try:
        HeldLock(path, lambda _: None).release()
    except BlockingIOError as error:
        return str(error.strerror)
    return None


@contextmanager
def exclusive(path: Path, warn: Callable[[str], None]) -> Iterator[None]:
    """Wait for the lock at `path` and hold it. Raises OSError, which says who has it, after two minutes."""
    until = time.monotonic() + _MAX_SECONDS
    while True:
        try:
            lock = HeldLock(path, warn)
            break
        except BlockingIOError:
            if time.monotonic() > until:
                raise
            time.sleep(_LOOK_SECONDS)
    try:
        yield
    finally:
        lock.release()
