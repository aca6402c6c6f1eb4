"""`timeline.json`: what happened in simulated time, for chrome://tracing or Perfetto (https://ui.perfetto.dev)."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ceas_ray.kernel.windows import RoundEnd
from ceas_ray.tracking.plain_files import opened

_PICOSECONDS_PER_MICROSECOND = 10**6
_TAIL_BYTES = 2**16
"""The last bytes of a file, in which its last entry is looked for."""


class TimelineFile:
    """A trace in the JSON array format of Trace Event: a process for each kind of actor, a thread for each actor.

    Work of an actor is a span from its request to its result, an envelope a mark where it was received; rounds are
    spans of their own. Times are simulated microseconds. A disk that takes no more ends it with a warning.
    """

    def __init__(self, path: Path, warn: Callable[[str], None]) -> None:
        """Continue an existing file, which a run that is resumed has."""
        self._path, self._warn = path, warn
        self._threads: dict[str, tuple[int, int]] = {}
        self._processes: dict[str, int] = {}
        self._round_began = 0
        self._off, self._first = False, True
        self._end: int | None = 0
        """Where what is there ends, without its closing bracket, in bytes; None once that has been written on."""
        try:
            self._end = self._end_of_entries()
            self._first = self._end == 0
        except FileNotFoundError:
            return
        except OSError as error:
            self._give_up(error)

    def _end_of_entries(self) -> int:
        """Return where the entries of a file end; 0 for one that is no timeline. An entry that is torn, as a crash may
        leave it, does not count.
        """
        with os.fdopen(opened(self._path, os.O_RDONLY), "rb") as file:
            is_ours = file.read(1) == b"["
            begin = max(0, file.seek(0, os.SEEK_END) - _TAIL_BYTES)
            file.seek(begin)
            tail = file.read(_TAIL_BYTES).rstrip().removesuffix(b"]").rstrip()
        whole = tail if tail.endswith(b"}") else tail[: max(tail.rfind(b"},\n") + 1, 0)]
        return begin + len(whole) if is_ours and whole else 0

    def _give_up(self, error: OSError) -> None:
        self._warn(f"the timeline ends here: {error.strerror}")
        self._off = True

    def append(self, end: RoundEnd) -> None:
        """Append the events of a round."""
        entries = [self._span("rounds", f"round {end.mark.round_index}", self._round_began, end.mark.at)]
        self._round_began = end.mark.at
        for event in end.events:
            if event.payload.startswith("work: "):
                entries.append(self._span(event.receiver, event.payload[6:], event.caused_at, event.deliver_at))
            else:
                entries.append(
                    self._place(event.receiver)
                    | {"name": event.payload, "ph": "i", "s": "t", "ts": _microseconds(event.deliver_at)}
                    | {"args": {"from": event.sender}}
                )
        names = [name for entry in entries for name in entry.pop("new", [])]
        lines = [json.dumps(entry) for entry in (*names, *entries)]
        self._write(("\n" if self._first else ",\n") + ",\n".join(lines))
        self._first = False

    def close(self) -> None:
        """Write the closing bracket."""
        self._write("\n]\n")

    def _span(self, actor: str, name: str, start: int, end: int) -> dict[str, Any]:
        times = {"ts": _microseconds(start), "dur": _microseconds(end - start)}
        return self._place(actor) | {"name": name, "ph": "X"} | times

    def _place(self, actor: str) -> dict[str, Any]:
        """Return the process and thread of an actor, and the entries that name them when they are new."""
        if actor in self._threads:
            process, thread = self._threads[actor]
            return {"pid": process, "tid": thread}
        kind = actor.partition("/")[0]
        new: list[dict[str, Any]] = []
        if kind not in self._processes:
            self._processes[kind] = len(self._processes) + 1
            new.append({"name": "process_name", "ph": "M", "pid": self._processes[kind], "args": {"name": kind}})
        place = {"pid": self._processes[kind], "tid": len(self._threads) + 1}
        self._threads[actor] = (place["pid"], place["tid"])
        new.append({"name": "thread_name", "ph": "M", "args": {"name": actor}} | place)
        return place | {"new": new}

    def _write(self, text: str) -> None:
        """Append; the first time, after what was there before, without its end."""
        if self._off:
            return
        try:
            with os.fdopen(opened(self._path, os.O_WRONLY | os.O_CREAT), "wb") as file:
                if self._end is not None:
                    file.truncate(self._end)
                    text = text if self._end else f"[{text}"
                file.seek(0, os.SEEK_END)
                file.write(text.encode())
            self._end = None
        except OSError as error:
            self._give_up(error)


def _microseconds(picoseconds: int) -> float:
    return picoseconds / _PICOSECONDS_PER_MICROSECOND
