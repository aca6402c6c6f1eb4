"""Snapshot files of a run: written whole, checked when read, kept some deep. Never pickle.

A file is MAGIC, one byte of FORMAT, the BLAKE2b of both and of the content (32 bytes), and the content: canonical bytes
of the kernel's codec, compressed by zlib. The checksum finds damage; it does not prove who wrote the file.
"""

from __future__ import annotations

import zlib
from hashlib import blake2b
from pathlib import Path
from typing import Any

from ceas_ray.kernel.codec import decode_untrusted, encode
from ceas_ray.tracking.files import write_whole

MAGIC, FORMAT = b"ceas_ray snapshot", 1
_CHECKSUM_BYTES = 32
_HEADER_BYTES = len(MAGIC) + 1 + _CHECKSUM_BYTES
_MOST_BYTES = 2**31
"""Of a content, uncompressed: a small file that claims more is damaged or hostile."""


class OtherFormat(ValueError):
    """A whole snapshot, of another version of ceas_ray."""


class SnapshotFolder:
    """`snapshots/` of a run: one file a snapshot, named by the rounds that are done."""

    def __init__(self, path: Path, kept: int) -> None:
        """kept: how many of the newest files stay."""
        self.path, self._kept = path, kept

    def write(self, rounds: int, value: Any) -> None:
        """Write, sync, rename; then delete what is too old. OSError if the disk does not take it."""
        self.path.mkdir(parents=True, exist_ok=True)
        write_whole(self.path / f"round_{rounds:08d}.snapshot", packed(value))
        for old in self.newest_first()[self._kept :]:
            old.unlink(missing_ok=True)

    def newest_first(self) -> list[Path]:
        """The files of snapshots, whatever is in them."""
        return sorted(self.path.glob("round_*.snapshot"), reverse=True)


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
        plain = inflater.decompress(content, _MOST_BYTES)
    except zlib.error as error:
        raise ValueError(f"not compressed content: {error}") from None
    if not inflater.eof:
        raise ValueError("its content does not end")
    return plain
