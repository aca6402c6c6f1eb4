"""Snapshot files of a run: written whole, checked when read, kept some deep. Never pickle.

A file is MAGIC, one byte of FORMAT, the BLAKE2b of both and of the content (32 bytes), and the content: canonical bytes
of the kernel's codec, compressed by zlib. The checksum finds damage; it does not prove who wrote the file.
"""

from __future__ import annotations

import zlib
from hashlib import blake2b
from typing import Any

from ceas_ray.kernel.codec import decode_untrusted, encode
from ceas_ray.tracking.files import PARTIAL
from ceas_ray.tracking.stores import Store, check_writable

MAGIC, FORMAT = b"ceas_ray snapshot", 1
_SUFFIX = ".snapshot"
_CHECKSUM_BYTES = 32
_HEADER_BYTES = len(MAGIC) + 1 + _CHECKSUM_BYTES
_MAX_BYTES = 2**31
"""Of a content, uncompressed: a small file that claims more is damaged or hostile."""


class OtherFormat(ValueError):
    """A whole snapshot, of another version of ceas_ray."""


class SnapshotFolder:
    """`snapshots/` of a run, wherever it is: one file a snapshot, named by the rounds that are done."""

    def __init__(self, store: Store, kept: int) -> None:
        """kept: how many of the newest files stay."""
        self._store, self._kept = store, kept

    def write(self, rounds: int, value: Any) -> None:
        """Write whole; then delete what is too old, or was begun and never ended.

        Raises OSError if there is no room.
        """
        self._store.write(f"round_{rounds:08d}{_SUFFIX}", packed(value))
        names = self._store.names()
        for old in [*_newest_first(names)[self._kept :], *(name for name in names if name.endswith(_SUFFIX + PARTIAL))]:
            self._store.delete(old)

    def check_writable(self) -> None:
        """Raise OSError if nothing can be written there."""
        check_writable(self._store)

    def newest_first(self) -> list[str]:
        """The names of snapshots, whatever is in them."""
        return _newest_first(self._store.names())

    def read(self, name: str) -> Any:
        """The snapshot of this name. Raises ValueError for what is not a whole one, OSError for what cannot be read."""
        return unpacked(self._store.read(name))


def _newest_first(names: list[str]) -> list[str]:
    return sorted((name for name in names if name.startswith("round_") and name.endswith(_SUFFIX)), reverse=True)


def packed(value: Any) -> bytes:
    """A snapshot as the content of a file."""
    head, content = MAGIC + bytes([FORMAT]), zlib.compress(encode(value), level=1)
    return head + _checksum(head, content) + content


def unpacked(data: bytes) -> Any:
    """The snapshot behind the content of a file; ValueError, in one line, for anything that is not a whole one."""
    head, checksum, content = data[: len(MAGIC) + 1], data[len(MAGIC) + 1 : _HEADER_BYTES], data[_HEADER_BYTES:]
    if not head.startswith(MAGIC):
        raise ValueError("not a snapshot of ceas_ray")
    if checksum != _checksum(head, content):
        raise ValueError("its checksum is wrong: damaged or cut short")
    if head[-1] != FORMAT:
        raise OtherFormat(f"snapshot format {head[-1]} instead of {FORMAT}")
    return decode_untrusted(_inflated(content))


def _checksum(head: bytes, content: bytes) -> bytes:
    return blake2b(head + content, digest_size=_CHECKSUM_BYTES).digest()


def _inflated(content: bytes) -> bytes:
    inflater = zlib.decompressobj()
    try:
        plain = inflater.decompress(content, _MAX_BYTES)
    except zlib.error as error:
        raise ValueError(f"not compressed content: {error}") from None
    if not inflater.eof:
        raise ValueError("its content does not end")
    return plain
