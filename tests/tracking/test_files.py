"""Files of a run folder: whole, or not there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ceas_ray.tracking.files import PARTIAL, first_event, last_event, read_journal, read_json, write_json, write_whole


def journal(folder: Path, *lines: str, end: str = "\n") -> Path:
    path = folder / "journal.jsonl"
    path.write_text("\n".join(lines) + end)
    return path


def line(event: str, **values: Any) -> str:
    return json.dumps({"event": event, "run": "a", **values})


def test_a_torn_last_line_is_left_out(tmp_path: Path) -> None:
    path = journal(tmp_path, line("started"), line("round", round=0), '{"event": "rou', end="")
    assert [found["event"] for found in read_journal(path)] == ["started", "round"]


@pytest.mark.parametrize(("lines", "message"), [
    (["[1]"], "line 1 is no event"),
    ([line("started"), line("round", round=0).replace('"a"', '"b"')], "line 2 is of another run"),
    ([line("round", round=0), line("round", round=2)], "line 2 has round 2 after 0"),
    ([line("round", round="0")], "line 1 has round 0 after no other"),
])  # fmt: skip
def test_what_is_no_journal_of_one_run_is_refused_by_its_line(tmp_path: Path, lines: list[str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read_journal(journal(tmp_path, *lines))


def test_the_first_and_the_last_event_of_a_kind_are_found() -> None:
    lines = [{"event": "fault", "n": 1}, {"event": "round"}, {"event": "fault", "n": 2}]
    assert (first_event(lines, "fault")["n"], last_event(lines, "fault")["n"]) == (1, 2)
    assert first_event(lines, "end") == {}


def test_a_file_is_replaced_whole_and_leaves_no_partial_one(tmp_path: Path) -> None:
    write_whole(tmp_path / "a", b"old")
    write_whole(tmp_path / "a", b"new")
    assert (tmp_path / "a").read_bytes() == b"new"
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_a_write_that_fails_leaves_the_old_file_and_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_whole(tmp_path / "a", b"old")
    monkeypatch.setattr("os.fsync", lambda file: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(OSError, match="No space left"):
        write_whole(tmp_path / "a", b"new")
    assert (tmp_path / "a").read_bytes() == b"old"
    assert not list(tmp_path.glob(f"*{PARTIAL}"))


def test_json_has_no_nan(tmp_path: Path) -> None:
    write_json(tmp_path / "a.json", {"x": [1, None]})
    assert read_json(tmp_path / "a.json") == {"x": [1, None]}
    with pytest.raises(ValueError, match="Out of range float"):
        write_json(tmp_path / "a.json", {"x": float("nan")})
    assert read_json(tmp_path / "a.json") == {"x": [1, None]}
