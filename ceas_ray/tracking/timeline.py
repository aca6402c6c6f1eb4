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
        self._off = False
        before = path.read_text(encoding="utf-8").rstrip().removesuffix("]").rstrip() if path.exists() else "["
        self._first = before == "["
        self._before: str | None = before

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
        """Process and thread of an actor, and the entries that name them when they are new."""
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
            flags = os.O_WRONLY | os.O_CREAT | (os.O_APPEND if self._before is None else os.O_TRUNC)
            with os.fdopen(opened(self._path, flags), "w", encoding="utf-8") as file:
                file.write((self._before or "") + text)
            self._before = None
        except OSError as error:
            self._warn(f"the timeline ends here: {error.strerror}")
            self._off = True


def _microseconds(picoseconds: int) -> float:
    return picoseconds / _PICOSECONDS_PER_MICROSECOND
