"""Stores of snapshots: a folder of this machine's file system, or whatever a URL names that fsspec knows.

A URL names one file system (`s3://bucket/runs`), without credentials (they come from the environment), and is not
chained: a chain can name a file system that executes what it reads, and settings are untrusted. What is written there
must outlive this process: `memory://` does not.
"""

from __future__ import annotations

import errno
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol, TypeVar

from ceas_ray.tracking.files import PARTIAL, write_whole
from ceas_ray.tracking.plain_files import content_of

T = TypeVar("T")
_ENDS_WITH_THE_PROCESS = "memory://"
_PROBE = "probe"
_MAX_BYTES = 2**28


class Store(Protocol):
    """Whole files by name. Every method raises OSError, in one line, if the storage does not do it."""

    def write(self, name: str, content: bytes) -> None:
        """Make or replace a file; readers see the old one or the new one where the file system can do that."""

    def read(self, name: str) -> bytes:
        """Return the content of a file."""

    def delete(self, name: str) -> None:
        """Remove a file, if it is there."""

    def names(self) -> list[str]:
        """Return what is there, sorted; nothing if the place is not there yet."""


class FolderStore:
    """A folder, made when it is first written to. What was written stays, even if the power fails."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def write(self, name: str, content: bytes) -> None:
        """See `Store`: write, sync, rename."""
        self.path.mkdir(parents=True, exist_ok=True)
        write_whole(self.path / name, content)

    def read(self, name: str) -> bytes:
        """See `Store`."""
        return content_of(self.path / name, _MAX_BYTES)

    def delete(self, name: str) -> None:
        """See `Store`."""
        (self.path / name).unlink(missing_ok=True)

    def names(self) -> list[str]:
        """See `Store`."""
        return sorted(path.name for path in self.path.iterdir()) if self.path.is_dir() else []


class UrlStore:
    """A folder of a file system of fsspec."""

    def __init__(self, filesystem: Any, path: str, url: str) -> None:
        """path: within the file system; url: how errors name the place."""
        self._filesystem, self._path, self._url = filesystem, path.rstrip("/"), url

    def write(self, name: str, content: bytes) -> None:
        """See `Store`: write under another name, then move."""

        def write() -> None:
            self._filesystem.makedirs(self._path, exist_ok=True)
            self._filesystem.pipe_file(self._at(name + PARTIAL), content)
            self._filesystem.mv(self._at(name + PARTIAL), self._at(name))

        self._try(write)

    def read(self, name: str) -> bytes:
        """See `Store`."""
        return self._try(lambda: bytes(self._filesystem.cat_file(self._at(name))))

    def delete(self, name: str) -> None:
        """See `Store`."""

        def delete() -> None:
            if self._filesystem.exists(self._at(name)):
                self._filesystem.rm_file(self._at(name))

        self._try(delete)

    def names(self) -> list[str]:
        """See `Store`."""

        def names() -> list[str]:
            self._filesystem.invalidate_cache()
            try:
                found = self._filesystem.ls(self._path, detail=False)
            except FileNotFoundError:
                return []
            return sorted(str(path).rstrip("/").rpartition("/")[2] for path in found)

        return self._try(names)

    def _at(self, name: str) -> str:
        return f"{self._path}/{name}"

    def _try(self, call: Callable[[], T]) -> T:
        try:
            return call()
        except Exception as error:  # every file system has errors of its own
            line = " ".join(str(error).split()) or type(error).__name__
            raise OSError(errno.EIO, line, self._url) from error


def check_writable(store: Store) -> None:
    """Raise OSError if the storage takes no files: there are many that can only be read."""
    store.write(_PROBE, b"")
    store.delete(_PROBE)


def store_at(where: str | Path) -> Store:
    """Return the store at a path or URL; raise ValueError, in one line, for a URL that cannot be used here."""
    if isinstance(where, Path) or "://" not in where:
        return FolderStore(Path(where))
    if "::" in where:
        raise ValueError("it is a chain of file systems, one is wanted")
    if where.lower().startswith(_ENDS_WITH_THE_PROCESS):
        raise ValueError("what is kept in memory ends with the process")
    import fsspec
    from fsspec.implementations.local import LocalFileSystem

    try:
        filesystem, path = fsspec.url_to_fs(where)
    except Exception as error:  # an unknown protocol, one that is not installed, or what its file system refuses
        raise ValueError(" ".join(str(error).split()) or type(error).__name__) from error
    if isinstance(filesystem, LocalFileSystem):
        return FolderStore(Path(path))
    return UrlStore(filesystem, path, where)
