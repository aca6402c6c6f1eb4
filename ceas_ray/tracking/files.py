"""Files of a run folder: an append-only journal, and whole files written at once or not at all."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ceas_ray.tracking.locks import HeldLock

PARTIAL = ".partial"
"""Ends the name of a file that is being written; a crash may leave it."""


class Journal:
    """`journal.jsonl`: one JSON line per round and event of note, on disk when `append` returns.

    A disk that takes no more costs a warning: the lines wait in memory until one of the next appends finds room.
    """

    def __init__(self, path: Path, warn: Callable[[str], None]) -> None:
        """Go on behind the whole lines of the file, if there is one; a torn last line (a crash) is cut off.

        Raises BlockingIOError if another process has it open.
        """
        self._file = path.open("ab")
        self._lock = HeldLock(self._file.fileno(), path, warn)
        self._warn, self._warned = warn, False
        self._state: tuple[int, tuple[bytes, ...]] = (_end_of_whole_lines(path), ())
        """Where the safe lines end, and the lines that wait: replaced at once, so that an interrupt sees old or new."""
        self._flush()

    def append(self, event: str, values: Mapping[str, Any]) -> None:
        """Write one line. Raises ValueError for NaN and infinities: JSON has none."""
        line = (json.dumps({"event": event} | dict(values), allow_nan=False) + "\n").encode()
        end, waiting = self._state
        self._state = (end, (*waiting, line))
        try:
            self._flush()
        except OSError as error:
            if not self._warned:
                self._warn(f"{self._file.name}: {error.strerror}; its lines wait in memory, the run goes on")
            self._warned = True

    def _flush(self) -> None:
        end, waiting = self._state
        content, file = b"".join(waiting), self._file.fileno()
        os.ftruncate(file, end)  # of an earlier attempt that failed or was interrupted
        try:
            written = 0
            while written < len(content):
                written += os.write(file, content[written:])
            os.fsync(file)
        except OSError:
            os.ftruncate(file, end)
            raise
        self._state = (end + len(content), ())

    def close(self) -> None:
        """Close the file. Raises OSError if some could not be written to the end."""
        try:
            self._flush()
        finally:
            self._file.close()
            self._lock.release()


def _end_of_whole_lines(path: Path) -> int:
    return path.read_bytes().rfind(b"\n") + 1


def read_journal(path: Path) -> list[dict[str, Any]]:
    """Return all whole lines; a torn last line (a crash while writing) is left out.

    Raises ValueError for lines that are no JSON.
    """
    found = []
    for line in path.read_text(encoding="utf-8").splitlines(keepends=True):
        if line.endswith("\n"):
            found.append(json.loads(line))
    return found


def write_whole(path: Path, content: bytes) -> None:
    """Write, sync, rename: readers see the old file or the new one. OSError leaves the old one and no other."""
    partial = path.with_name(path.name + PARTIAL)
    try:
        with partial.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def write_json(path: Path, values: Mapping[str, Any]) -> None:
    """A mapping as a JSON file, written whole."""
    write_whole(path, (json.dumps(values, indent=2, allow_nan=False) + "\n").encode())
