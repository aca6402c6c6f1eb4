"""Files of a run folder: an append-only journal, and whole files written at once or not at all."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from ceas_ray.tracking.locks import HeldLock, LockLost
from ceas_ray.tracking.plain_files import content_of, opened

_MAX_BYTES_OF_LINE, _MAX_BYTES_OF_JSON = 2**22, 2**26
"""A round of thousands of processors has some ten thousand."""

PARTIAL = ".partial"
"""Ends the name of a file that is being written; a crash may leave it."""


class Journal:
    """`journal.jsonl`: one JSON line per round and event of note, on disk when `append` returns.

    Every line names the run that it belongs to. A disk that takes no more costs a warning: the lines wait in memory
    until one of the next appends finds room.
    """

    def __init__(self, path: Path, lock: HeldLock, warn: Callable[[str], None]) -> None:
        """Go on behind the whole lines of the file, if there is one; a torn last line (a crash) is cut off.

        lock: on its folder. Raises ValueError for a file that is no journal of one run.
        """
        lines = read_journal(path) if path.exists() else []
        self.run: str | None = lines[0].get("run") if lines else secrets.token_hex(8)
        """The identity of the run; None for one that an older version began."""
        self._path, self._lock = path, lock
        self._file = opened(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        self._warn, self._warned, self._closed = warn, False, False
        self._state: tuple[int, tuple[bytes, ...]] = (_end_of_whole_lines(path), ())
        """Where the safe lines end, and the lines that wait: replaced at once, so that an interrupt sees old or new."""
        self.write()

    def append(self, event: str, values: Mapping[str, Any]) -> None:
        """Write one line. Raises ValueError for NaN and infinities (JSON has none), and LockLost where this process may
        not write any more."""
        self.require_held()
        of = {"event": event} if self.run is None else {"event": event, "run": self.run}
        line = (json.dumps(of | dict(values), allow_nan=False) + "\n").encode()
        end, waiting = self._state
        self._state = (end, (*waiting, line))
        try:
            self.write()
        except OSError as error:
            if not self._warned:
                self._warn(f"{self._path}: {error.strerror}; its lines wait in memory, the run goes on")
            self._warned = True

    def require_held(self) -> None:
        """Raise LockLost, which says why, if this process may not write to the folder any more."""
        self._lock.require_held()
        with suppress(FileNotFoundError):
            if os.path.samestat(os.stat(self._path), os.fstat(self._file)):
                return
        raise LockLost(f"{self._path} was deleted or replaced while this process wrote to it")

    def write(self) -> None:
        """Write the lines that wait. Raises OSError if some could not be written."""
        end, waiting = self._state
        content = b"".join(waiting)
        os.ftruncate(self._file, end)  # of an earlier attempt that failed or was interrupted
        try:
            written = 0
            while written < len(content):
                written += os.write(self._file, content[written:])
            os.fsync(self._file)
        except OSError:
            os.ftruncate(self._file, end)
            raise
        self._state = (end + len(content), ())

    def leave(self) -> None:
        """Close the file, if it is open, without another byte."""
        if not self._closed:
            self._closed = True
            os.close(self._file)

    def close(self) -> None:
        """Close the file. Raises OSError if some could not be written to the end."""
        try:
            self.write()
        finally:
            self.leave()


def _end_of_whole_lines(path: Path) -> int:
    return sum(map(len, _whole_lines(path)))


def read_journal(path: Path) -> list[dict[str, Any]]:
    """Return all whole lines; a torn last line (a crash while writing) is left out.

    Raises ValueError for lines that are no events of one run, with its rounds in order, and OSError for a file that
    cannot be read or is no plain one.
    """
    found: list[dict[str, Any]] = []
    last_round: int | None = None
    for number, line in enumerate(_whole_lines(path), 1):
        event = _decoded(line)
        if not isinstance(event, dict) or not isinstance(event.get("event"), str):
            raise ValueError(f"line {number} is no event")
        if found and event.get("run") != found[0].get("run"):
            raise ValueError(f"line {number} is of another run")
        if event["event"] == "round":
            last_round = _next_round(event.get("round"), last_round, number)
        found.append(event)
    return found


def first_event(lines: Sequence[Mapping[str, Any]], event: str) -> Mapping[str, Any]:
    """Return the first line of a journal that tells this event; nothing if none does."""
    return next((line for line in lines if line["event"] == event), {})


def last_event(lines: Sequence[Mapping[str, Any]], event: str) -> Mapping[str, Any]:
    """Return the last line of a journal that tells this event; nothing if none does."""
    return first_event(lines[::-1], event)


def _whole_lines(path: Path) -> Iterator[bytes]:
    with os.fdopen(opened(path, os.O_RDONLY), "rb") as file:
        while line := file.readline(_MAX_BYTES_OF_LINE):
            if line.endswith(b"\n"):
                yield line
            elif len(line) == _MAX_BYTES_OF_LINE:
                raise ValueError(f"a line is longer than {_MAX_BYTES_OF_LINE:,} bytes")


def _next_round(found: Any, last: int | None, line: int) -> int:
    if type(found) is not int or (last is not None and found != last + 1):
        raise ValueError(f"line {line} has round {found} after {'no other' if last is None else last}")
    return found


def write_whole(path: Path, content: bytes, mode: int = 0o666) -> None:
    """Write, sync, rename: readers see the old file or the new one. OSError leaves the old one and no other.

    No link that somebody planted is followed. mode: the file's, less the umask.
    """
    partial = path.with_name(f"{path.name}.{secrets.token_hex(4)}{PARTIAL}")
    try:
        with os.fdopen(opened(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
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


def read_json(path: Path) -> Any:
    """Return what a JSON file of a run folder holds. Raises ValueError for a file that is not JSON, and OSError."""
    return _decoded(content_of(path, _MAX_BYTES_OF_JSON))


def _decoded(content: bytes) -> Any:
    try:
        return json.loads(content)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def write_json(path: Path, values: Mapping[str, Any]) -> None:
    """Write a mapping as a JSON file, written whole."""
    write_whole(path, (json.dumps(values, indent=2, allow_nan=False) + "\n").encode())
