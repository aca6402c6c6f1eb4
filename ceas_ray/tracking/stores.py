"""Stores of snapshots: a folder of this machine's file system, or whatever a URL names that fsspec knows.

A URL names one file system (`s3://bucket/runs`), without credentials (they come from the environment), and is not
chained: a chain can name a file system that executes what it reads, and settings are untrusted. What is written there
must outlive this process: `memory://` does not.

A store of objects (S3 and its like) is used by what it does at once: one request puts an object, whole or not at all,
or makes one that is not there yet. No part of an upload is left behind, and a repeated request does no harm.
"""

from __future__ import annotations

import errno
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol, TypeVar

from ceas_ray.tracking.files import PARTIAL, write_whole
from ceas_ray.tracking.plain_files import content_of

T = TypeVar("T")
_ENDS_WITH_THE_PROCESS = "memory://"
_PROBE = "probe"
_MAX_BYTES = 2**28
_DEADLINE_SECONDS = 120.0
"""How long a store of objects may take for one file, all attempts together."""
_PASSWORD = re.compile(r"[^/]+://[^/@]*:(?!\d+/).*@")
_S3 = ("s3", "s3a")
_OPTIONS_OF_S3 = {
    "use_listings_cache": False,
    "config_kwargs": {"connect_timeout": 5, "read_timeout": 20, "retries": {"max_attempts": 3}},
}
_PUT_OF_S3 = {"chunksize": 2**32}
"""In bytes; what is smaller is never uploaded in parts."""


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

    def __init__(self, filesystem: Any, path: str, url: str, put: Mapping[str, Any] | None = None) -> None:
        """path: within the file system; url: how errors name the place. put: options by which a file is put there."""
        self._filesystem, self._path, self.url = filesystem, path.rstrip("/"), url
        self._put = {} if put is None else dict(put)
        self._is_of_objects = getattr(filesystem, "async_impl", False) is True

    def write(self, name: str, content: bytes) -> None:
        """See `Store`: an object is put as it is; any other file is written under another name, then moved."""

        def write() -> None:
            if self._is_of_objects:
                self._call("pipe_file", self._at(name), content, **self._put)
                return
            self._filesystem.makedirs(self._path, exist_ok=True)
            self._filesystem.pipe_file(self._at(name + PARTIAL), content)
            self._filesystem.mv(self._at(name + PARTIAL), self._at(name))

        self._try(write)

    def create(self, name: str, content: bytes) -> None:
        """Make a file that is not there yet; of several at once one succeeds, the others raise OSError.

        A lost answer may hide which: whoever reads the file knows.
        """

        def create() -> None:
            if not self._is_of_objects:
                self._filesystem.makedirs(self._path, exist_ok=True)
            self._call("pipe_file", self._at(name), content, mode="create", **self._put)

        self._try(create)

    def read(self, name: str) -> bytes:
        """See `Store`; FileNotFoundError for what is not there."""
        content = self._try(lambda: bytes(self._call("cat_file", self._at(name), start=0, end=_MAX_BYTES + 1)))
        if len(content) > _MAX_BYTES:
            raise OSError(errno.EFBIG, f"{name} holds more than {_MAX_BYTES:,} bytes", self.url)
        return content

    def delete(self, name: str) -> None:
        """See `Store`."""

        def delete() -> None:
            if self._is_of_objects or self._filesystem.exists(self._at(name)):
                with suppress(FileNotFoundError):
                    self._call("rm_file", self._at(name))

        self._try(delete)

    def names(self) -> list[str]:
        """See `Store`; a store of objects may be late to list what was written or deleted a moment ago."""

        def names() -> list[str]:
            self._filesystem.invalidate_cache()
            try:
                found = self._call("ls", self._path, detail=False)
            except FileNotFoundError:
                return []
            return sorted(str(path).rstrip("/").rpartition("/")[2] for path in found)

        return self._try(names)

    def _call(self, method: str, *arguments: Any, **options: Any) -> Any:
        """Call a method of the file system; one of objects gets a deadline, with which all attempts end."""
        if not self._is_of_objects:
            return getattr(self._filesystem, method)(*arguments, **options)
        from fsspec.asyn import sync

        coroutine = getattr(self._filesystem, f"_{method}")
        return sync(self._filesystem.loop, coroutine, *arguments, timeout=_DEADLINE_SECONDS, **options)

    def _at(self, name: str) -> str:
        return f"{self._path}/{name}"

    def _try(self, call: Callable[[], T]) -> T:
        try:
            return call()
        except Exception as error:  # every file system has errors of its own
            name = "there was no answer in time" if isinstance(error, TimeoutError) else type(error).__name__
            code = errno.ENOENT if isinstance(error, FileNotFoundError) else errno.EIO
            raise OSError(code, " ".join(str(error).split()) or name, self.url) from error


class S3Store(UrlStore):
    """A folder of a bucket. Every object has a version, its ETag, by which one may be replaced or deleted only if it is
    still what was seen.
    """

    def __init__(self, filesystem: Any, path: str, url: str) -> None:
        """See `UrlStore`."""
        super().__init__(filesystem, path, url, _PUT_OF_S3)

    def version(self, name: str) -> str:
        """Return the version of an object; FileNotFoundError for what is not there."""
        return str(self._try(lambda: self._call("info", self._at(name), refresh=True))["ETag"])

    def replace(self, name: str, content: bytes, version: str) -> None:
        """Replace an object that still has this version; raise OSError where it has not.

        A lost answer may hide that it was done: whoever reads the object knows.
        """
        self._try(lambda: self._call("pipe_file", self._at(name), content, IfMatch=version, **self._put))

    def delete_version(self, name: str, version: str) -> None:
        """Remove an object that still has this version; raise OSError where it has not."""
        bucket, key, _ = self._filesystem.split_path(self._at(name))
        self._try(lambda: self._call("call_s3", "delete_object", Bucket=bucket, Key=key, IfMatch=version))


def refuse_password(url: str) -> None:
    """Raise ValueError for a URL with a password, which would be written into the settings of every run."""
    if _PASSWORD.match(url):
        raise ValueError("its URL has a password; credentials come from the environment")


def check_writable(store: Store) -> None:
    """Raise OSError if the storage takes no files: there are many that can only be read."""
    store.write(_PROBE, b"")
    store.delete(_PROBE)


def store_at(where: str | Path) -> Store:
    """Return the store at a path or URL; raise ValueError, in one line, for a URL that cannot be used here."""
    if isinstance(where, Path) or "://" not in where:
        return FolderStore(Path(where))
    refuse_password(where)
    if "::" in where:
        raise ValueError("it is a chain of file systems, one is wanted")
    if where.lower().startswith(_ENDS_WITH_THE_PROCESS):
        raise ValueError("what is kept in memory ends with the process")
    import fsspec
    from fsspec.implementations.local import LocalFileSystem

    is_s3 = where.lower().startswith(tuple(f"{protocol}://" for protocol in _S3))
    try:
        filesystem, path = fsspec.url_to_fs(where, **(_OPTIONS_OF_S3 if is_s3 else {}))
    except ImportError as error:
        extra = ": pip install 'ceas-ray[s3]'" if is_s3 else ""
        raise ValueError(f"{' '.join(str(error).split())}{extra}") from error
    except Exception as error:  # an unknown protocol, one that is not installed, or what its file system refuses
        raise ValueError(" ".join(str(error).split()) or type(error).__name__) from error
    if isinstance(filesystem, LocalFileSystem):
        return FolderStore(Path(path))
    return S3Store(filesystem, path, where) if is_s3 else UrlStore(filesystem, path, where)
