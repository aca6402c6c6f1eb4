"""Files that decide results: read once and whole, so that what is used and what is hashed are the same bytes."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path

MAX_BYTES = 2**26
"""64 MB: a larger file is refused before it is read, so that no file takes the machine's memory."""

_CARRIED: ContextVar[Mapping[str, bytes]] = ContextVar("carried")


@contextmanager
def carrying(files: Mapping[str, bytes]) -> Iterator[None]:
    """Read these contents, by absolute path, in place of files: those of a run that was sent from another machine."""
    before = _CARRIED.set(files)
    try:
        yield
    finally:
        _CARRIED.reset(before)


@dataclass(frozen=True)
class InputFile:
    """A file of the user's. path: absolute; content: all of its bytes."""

    path: str
    content: bytes = field(repr=False)

    @classmethod
    def read(cls, path: str, max_bytes: int = MAX_BYTES) -> InputFile:
        """Read the file whole.

        Raises ValueError, which says what it must be, if it cannot be read, is no regular file or has more bytes.
        """
        if "\0" in path:
            raise ValueError("a path without the character NUL")
        try:
            absolute = Path(path).absolute()
            carried = _CARRIED.get({}).get(str(absolute))
            if carried is not None:
                return cls(str(absolute), carried)
            if not stat.S_ISREG(os.stat(absolute).st_mode):
                raise ValueError("a regular file")
            with absolute.open("rb") as file:
                content = file.read(max_bytes + 1)
        except FileNotFoundError:
            raise ValueError("an existing file") from None
        except OSError as error:
            raise ValueError(f"a file that can be read ({error.strerror})") from None
        if len(content) > max_bytes:
            raise ValueError(f"a file of at most {max_bytes / 2**20:.0f} MB")
        return cls(str(absolute), content)

    @property
    def digest(self) -> str:
        """A hash of the content, 32 hexadecimal digits."""
        return blake2b(self.content, digest_size=16).hexdigest()
