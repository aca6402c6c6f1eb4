"""Snapshot files of a run: written whole, checked when read, kept some deep. Never pickle.

A file is MAGIC, one byte of FORMAT, the BLAKE2b of both and of the content (32 bytes), and the content: canonical bytes
of the kernel's codec, compressed by zlib. The checksum finds damage; it does not prove who wrote the file.
"""

from __future__ import annotations

import errno
import zlib
from hashlib import blake2b
from typing import Any, Protocol

from ceas_ray.kernel.bounded_codec import MAX_BYTES, MAX_VALUES, decode_bounded, require_bounded
from ceas_ray.kernel.codec import encode
from ceas_ray.tracking.files import PARTIAL
from ceas_ray.tracking.stores import Store, UrlStore, check_writable

MAGIC, FORMAT = b"ceas_ray snapshot", 1
_PREFIX, _SUFFIX = "round_", ".snapshot"
_CHECKSUM_BYTES = 32
_HEADER_BYTES = len(MAGIC) + 1 + _CHECKSUM_BYTES


class OtherFormat(ValueError):
    """A whole snapshot, of another version of ceas_ray."""


class Beside(Protocol):
    """Files that are kept beside snapshots."""

    def unsent(self) -> list[tuple[str, bytes]]:
        """Return names and contents of those that are to be written now, in this order. Raises OSError."""

    def note_sent(self, name: str, content: bytes) -> None:
        """Note that one has been written."""


class SnapshotFolder:
    """`snapshots/` of a run, wherever it is: one file a snapshot, named by the rounds that are done."""

    def __init__(self, store: Store, kept: int) -> None:
        """kept: how many of the newest files stay."""
        self._store, self._kept = store, kept

    def write(self, rounds: int, value: Any, beside: Beside | None = None) -> None:
        """Write a whole snapshot, then delete those that are too old or were never completed.

        Those of later rounds, which a run that goes on could not use, are left, and count for nothing.

        beside: files without which it is of no use elsewhere, written before it where it is behind a URL.

        Raises OSError if there is no room.
        """
        if beside is not None and isinstance(self._store, UrlStore):
            for name, content in beside.unsent():
                self._store.write(name, content)
                beside.note_sent(name, content)
        written = f"{_PREFIX}{rounds:08d}{_SUFFIX}"
        self._store.write(written, packed(value))
        names = self._store.names()
        begun = [name for name in names if name.startswith(_PREFIX) and name.endswith(PARTIAL)]
        of_this_run_so_far = [name for name in _newest_first(names) if name <= written]
        for old in [*of_this_run_so_far[self._kept :], *begun]:
            self._store.delete(old)

    def has_beside(self, name: str) -> bool:
        """Return whether there is such a file beside the snapshots, behind a URL; whatever is listed there."""
        if not isinstance(self._store, UrlStore):
            return False
        try:
            self._store.read(name)
        except FileNotFoundError:
            return False
        return True

    def check_writable(self) -> None:
        """Raise OSError if nothing can be written there."""
        check_writable(self._store)

    def newest_first(self) -> list[str]:
        """Return the names of snapshots, whatever is in them."""
        return _newest_first(self._store.names())

    def read(self, name: str) -> Any:
        """Return the snapshot of this name. Raises ValueError for what is not a whole one, OSError for what cannot be
        read.
        """
        return unpacked(self._store.read(name))


def _newest_first(names: list[str]) -> list[str]:
    return sorted((name for name in names if name.startswith(_PREFIX) and name.endswith(_SUFFIX)), reverse=True)


def packed(value: Any) -> bytes:
    """Return a snapshot as the content of a file. Raises OSError for one that is too large to be read again."""
    plain = encode(value)
    try:
        if len(plain) > MAX_VALUES:  # else it cannot hold more values
            require_bounded(plain)
    except ValueError:
        raise OSError(errno.EFBIG, "they would be too large to be read again") from None
    head, content = MAGIC + bytes([FORMAT]), zlib.compress(plain, level=1)
    return head + _checksum(head, content) + content


def unpacked(data: bytes) -> Any:
    """Return the snapshot behind the content of a file.

    Raises ValueError, in one line, for anything that is not a whole one.
    """
    head, checksum, content = data[: len(MAGIC) + 1], data[len(MAGIC) + 1 : _HEADER_BYTES], data[_HEADER_BYTES:]
    if not head.startswith(MAGIC):
        raise ValueError("not a snapshot of ceas_ray")
    if checksum != _checksum(head, content):
        raise ValueError("its checksum is wrong: damaged or cut short")
    if head[-1] != FORMAT:
        raise OtherFormat(f"snapshot format {head[-1]} instead of {FORMAT}")
    return decode_bounded(_inflated(content))


def _checksum(head: bytes, content: bytes) -> bytes:
    return blake2b(head + content, digest_size=_CHECKSUM_BYTES).digest()


def _inflated(content: bytes) -> bytes:
    inflater = zlib.decompressobj()
    try:
        plain = inflater.decompress(content, MAX_BYTES)
    except zlib.error as error:
        raise ValueError(f"not compressed content: {error}") from None
    if not inflater.eof:
        raise ValueError("its content does not end")
    return plain
