"""Files of a run folder: an append-only journal, and whole files written at once or not at all."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TextIO


class Journal:
    """`journal.jsonl`: one JSON line per round and event of note, on disk when `append` returns."""

    def __init__(self, path: Path) -> None:
        self._file: TextIO = path.open("a", encoding="utf-8")

    def append(self, event: str, values: Mapping[str, Any]) -> None:
        """Write one line. ValueError for NaN and infinities: JSON has none."""
        self._file.write(json.dumps({"event": event} | dict(values), allow_nan=False) + "\n")
        self._file.flush()
        os.fsync(self._file.fileno())

    def close(self) -> None:
        """No more lines."""
        self._file.close()


def read_journal(path: Path) -> list[dict[str, Any]]:
    """All whole lines; a torn last line (a crash while writing) is left out."""
    found = []
    for line in path.read_text(encoding="utf-8").splitlines(keepends=True):
        if line.endswith("\n"):
            found.append(json.loads(line))
    return found


def write_whole(path: Path, content: bytes) -> None:
    """Write, sync, rename: readers see the old file or the new one."""
    partial = path.with_name(path.name + ".partial")
    with partial.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)


def write_json(path: Path, values: Mapping[str, Any]) -> None:
    """A mapping as a JSON file, written whole."""
    write_whole(path, (json.dumps(values, indent=2, allow_nan=False) + "\n").encode())
