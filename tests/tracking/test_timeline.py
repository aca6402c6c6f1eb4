"""The timeline of a run, as trace viewers read it."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from ceas_ray.kernel.envelope import Mark
from ceas_ray.kernel.window_reply import HandledEvent
from ceas_ray.kernel.windows import RoundEnd
from ceas_ray.tracking.timeline import TimelineFile


def event(payload: str, receiver: str = "processor/1", sender: str = "hub") -> HandledEvent:
    return HandledEvent(caused_at=2_000_000, deliver_at=5_000_000, sender=sender, receiver=receiver, payload=payload)


def end(round_index: int, at: int, *events: HandledEvent) -> RoundEnd:
    return RoundEnd(
        mark=Mark(round_index, at, None), digest=b"", observations=(), accounts={}, windows=1, host_calls=1, handled=1,
        work_seconds=0.0, events=events,
    )  # fmt: skip


def traced(path: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(path.read_text())
    return found


def test_rounds_and_work_are_spans_and_envelopes_are_marks_in_simulated_microseconds(tmp_path: Path) -> None:
    file = TimelineFile(tmp_path / "timeline.json", print)
    file.append(end(0, 9_000_000, event("work: gradient"), event("RoundStarted")))
    file.append(end(1, 12_000_000))
    file.close()
    entries = [entry for entry in traced(tmp_path / "timeline.json") if entry["ph"] != "M"]
    assert [(entry["name"], entry["ph"], entry["ts"], entry.get("dur")) for entry in entries] == [
        ("round 0", "X", 0.0, 9.0), ("gradient", "X", 2.0, 3.0), ("RoundStarted", "i", 5.0, None),
        ("round 1", "X", 9.0, 3.0),
    ]  # fmt: skip


def test_each_kind_of_actor_is_a_process_and_each_actor_a_thread_named_once(tmp_path: Path) -> None:
    file = TimelineFile(tmp_path / "timeline.json", print)
    file.append(end(0, 9, event("a", "processor/1"), event("b", "processor/2"), event("c", "processor/1")))
    file.close()
    names = [entry["args"]["name"] for entry in traced(tmp_path / "timeline.json") if entry["ph"] == "M"]
    assert names == ["rounds", "rounds", "processor", "processor/1", "processor/2"]


def test_a_run_that_is_resumed_goes_on_in_the_same_file(tmp_path: Path) -> None:
    for round_index in (0, 1):
        file = TimelineFile(tmp_path / "timeline.json", print)
        file.append(end(round_index, 9))
        file.close()
    names = [entry["name"] for entry in traced(tmp_path / "timeline.json") if entry["ph"] == "X"]
    assert names == ["round 0", "round 1"]


def test_a_file_that_cannot_be_written_ends_the_timeline_with_one_warning(tmp_path: Path) -> None:
    (tmp_path / "timeline.json").symlink_to(tmp_path / "elsewhere")
    warnings: list[str] = []
    file = TimelineFile(tmp_path / "timeline.json", warnings.append)
    file.append(end(0, 9))
    file.append(end(1, 10))
    file.close()
    assert len(warnings) == 1
    assert warnings[0].startswith("the timeline ends here: ")
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize("left", ["", "\n]\n", ',\n{"name": "to'])
def test_a_run_goes_on_behind_the_last_whole_entry(left: str, tmp_path: Path) -> None:
    path = tmp_path / "timeline.json"
    for round_index in (0, 1):
        file = TimelineFile(path, print)
        file.append(end(round_index, 9))
        if round_index == 0:
            path.write_text(path.read_text() + left)
    file.close()
    assert [entry["name"] for entry in traced(path) if entry["ph"] == "X"] == ["round 0", "round 1"]


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00", b"{}", b"[", b"[\n]\n", b"]" * 10**5])
def test_a_file_that_is_no_timeline_is_begun_anew(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "timeline.json"
    path.write_bytes(content)
    file = TimelineFile(path, print)
    file.append(end(0, 9))
    file.close()
    assert [entry["name"] for entry in traced(path) if entry["ph"] == "X"] == ["round 0"]


def test_a_pipe_is_not_waited_for_and_a_large_file_not_read(tmp_path: Path) -> None:
    path, warnings = tmp_path / "timeline.json", list[str]()
    os.mkfifo(path)
    file = TimelineFile(path, warnings.append)
    file.append(end(0, 9))
    assert warnings == ["the timeline ends here: it is a link, a pipe or a device, and no plain file"]
    path.unlink()
    with path.open("wb") as hole:
        hole.truncate(2**36)  # which takes no room on the disk
    file = TimelineFile(path, print)
    file.append(end(0, 9))
    assert path.stat().st_size < 1000
