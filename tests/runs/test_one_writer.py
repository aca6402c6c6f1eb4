"""A run folder has one writer from its first byte to its last, and holds one run."""

from __future__ import annotations

import errno
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from ceas_ray.cli.run import main
from ceas_ray.runs import run as runs
from ceas_ray.runs.folder import SWEEP_JOURNAL
from ceas_ray.tracking import files
from ceas_ray.tracking.files import Journal, read_journal
from ceas_ray.tracking.locks import LOCK, HeldLock
from tests.small_worlds import SMALL

FOUR = [*(s for s in SMALL if not s.startswith("training.rounds")), "training.rounds=4"]
STOPPED = [*FOUR, "stop.simulated_seconds=0.001"]


def while_it_runs(monkeypatch: pytest.MonkeyPatch, happens: Callable[[], object], at: str = "round") -> None:
    """Let something happen before the first line of this kind is written."""
    append, done = Journal.append, list[bool]()

    def appending(journal: Journal, event: str, values: Mapping[str, Any]) -> None:
        if event == at and not done:
            done.append(True)
            happens()
        append(journal, event, values)

    monkeypatch.setattr(Journal, "append", appending)


def command(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "ceas_ray.cli.run", *words], capture_output=True, text=True, timeout=90
    )


@pytest.mark.slow
def test_the_folder_is_held_before_the_cluster_starts_and_until_it_is_gone(
    copy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster, held = runs.cluster_of, list[bool]()

    def watched(*words: Any) -> Any:
        held.extend((folder / LOCK).exists() for folder in (copy, tmp_path / "new") if folder.exists())
        return cluster(*words)

    monkeypatch.setattr(runs, "cluster_of", watched)
    assert main([f"resume={copy}", "stop.simulated_seconds=null"]) == 0
    shutil.rmtree(copy)
    assert main([*STOPPED, f"output={tmp_path / 'new'}"]) == 0
    assert held == [True, True]


@pytest.mark.slow
def test_of_two_resumes_at_once_one_goes_on_and_the_other_says_who_does(
    copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    others: list[subprocess.CompletedProcess[str]] = []
    while_it_runs(monkeypatch, lambda: others.append(command(f"resume={copy}", "stop.simulated_seconds=null")))
    assert main([f"resume={copy}", "stop.simulated_seconds=null"]) == 0
    assert others[0].returncode == 2
    assert others[0].stderr.startswith("resume must be a folder that no other process writes to (held by process ")
    assert others[0].stderr.count("\n") == 1
    assert [line["round"] for line in read_journal(copy / "journal.jsonl") if line["event"] == "round"] == [0, 1, 2, 3]


@pytest.mark.slow
@pytest.mark.parametrize("at", ["round", "ended"])
def test_a_run_whose_folder_is_deleted_fails_and_makes_no_other(
    at: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "run"
    while_it_runs(monkeypatch, lambda: shutil.rmtree(folder), at)
    assert main([*FOUR, f"output={folder}", "timeline=true", "runtime.snapshot_every_rounds=1"]) == 1
    said = " ".join(capsys.readouterr().err.split())
    assert said.endswith(f"failed: {folder} was deleted while this process wrote to it"), "nothing can go on"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_a_run_whose_folder_is_moved_fails_says_where_it_is_and_goes_on_there(
    stopped: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, moved = tmp_path / "run", tmp_path / "moved"
    while_it_runs(monkeypatch, lambda: folder.rename(moved))
    assert main([*FOUR, f"output={folder}", "runtime.snapshot_every_rounds=1"]) == 1
    said = capsys.readouterr().err
    assert f"was moved to {moved} while this process wrote to it; resume={moved} goes on with it\n" in said
    assert not folder.exists()
    assert main([f"resume={moved}"]) == 0
    summary = json.loads((moved / "summary.json").read_text())
    assert (summary["status"], summary["rounds"]) == ("completed", 4)


@pytest.mark.slow
def test_a_run_whose_link_is_set_to_another_folder_fails_and_leaves_that_alone(
    copy: Path, stopped: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    link, other = tmp_path / "link", tmp_path / "other"
    shutil.copytree(stopped, other)
    link.symlink_to(copy)

    def set_anew() -> None:
        link.unlink()
        link.symlink_to(other)

    while_it_runs(monkeypatch, set_anew)
    assert main([f"resume={link}", "stop.simulated_seconds=null"]) == 1
    assert f"; resume={copy} goes on with it\n" in capsys.readouterr().err
    assert (other / "journal.jsonl").read_bytes() == (stopped / "journal.jsonl").read_bytes()
    assert main([f"resume={copy}", "stop.simulated_seconds=null"]) == 0


def test_a_run_that_another_one_goes_on_with_by_a_link_is_held(copy: Path, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(copy)
    lock = HeldLock(copy / LOCK, print)
    assert main([f"resume={link}", "stop.simulated_seconds=null"]) == 2
    lock.release()
    assert main([f"resume={link}", "stop.simulated_seconds=null"]) == 0


def test_a_run_whose_journal_is_replaced_fails(
    copy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    other = tmp_path / "other.jsonl"
    other.write_text("of another run\n")
    while_it_runs(monkeypatch, lambda: other.replace(copy / "journal.jsonl"))
    assert main([f"resume={copy}", "stop.simulated_seconds=null"]) == 1
    assert "journal.jsonl was deleted or replaced" in " ".join(capsys.readouterr().err.split())
    assert (copy / "journal.jsonl").read_text() == "of another run\n"


@pytest.mark.slow
@pytest.mark.parametrize(("key", "happens"), [("output", "moved"), ("output", "deleted"), ("resume", "moved")])
def test_a_run_whose_folder_is_lost_before_its_first_line_says_what_became_of_it(
    key: str,
    happens: str,
    copy: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder, cluster = copy if key == "resume" else tmp_path / "new", runs.cluster_of

    def lost(*words: Any) -> Any:
        shutil.rmtree(folder) if happens == "deleted" else folder.rename(tmp_path / "elsewhere")
        return cluster(*words)

    monkeypatch.setattr(runs, "cluster_of", lost)
    capsys.readouterr()
    words = [f"resume={copy}", "stop.simulated_seconds=null"] if key == "resume" else [*STOPPED, f"output={folder}"]
    assert main(words) == 2
    said = capsys.readouterr().err.splitlines()[-1]
    to = f"moved to {tmp_path}/elsewhere" if happens == "moved" else "deleted"
    assert said == f"{key}: {folder} was {to} while this process wrote to it"


def test_a_run_of_a_sweep_that_goes_on_is_left_to_it(copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (copy.parent / SWEEP_JOURNAL).touch()
    lock = HeldLock(copy.parent / LOCK, print)
    assert main([f"resume={copy}"]) == 2
    assert f"(its sweep in {copy.parent} is held by process {os.getpid()} on " in capsys.readouterr().err
    lock.release()
    assert main([f"resume={copy}", "stop.simulated_seconds=null"]) == 0


def test_every_line_names_its_run_and_lines_of_another_one_are_refused(
    copy: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*STOPPED, f"output={tmp_path / 'other'}"]) == 0
    ours, theirs = ((folder / "journal.jsonl").read_text() for folder in (copy, tmp_path / "other"))
    runs_of = [{json.loads(line)["run"] for line in text.splitlines()} for text in (ours, theirs)]
    assert [len(found) for found in runs_of] == [1, 1] and runs_of[0] != runs_of[1]
    (copy / "journal.jsonl").write_text(ours + theirs)
    capsys.readouterr()
    for word in ("resume", "verify"):
        assert main([f"{word}={copy}"]) == 2
        said = capsys.readouterr().err
        assert said.count("\n") == 1
        assert f"line {len(ours.splitlines()) + 1} is of another run" in said


@pytest.mark.slow
def test_a_snapshot_of_another_run_is_passed_over(
    copy: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*STOPPED, f"output={tmp_path / 'other'}"]) == 0
    (snapshot,) = (tmp_path / "other" / "snapshots").iterdir()
    shutil.copy(snapshot, copy / "snapshots" / snapshot.name)
    assert main([f"resume={copy}", "stop.simulated_seconds=null"]) == 0
    assert f"{snapshot.name} is not usable (it is of another run)" in " ".join(capsys.readouterr().err.split())


@pytest.mark.slow
def test_a_folder_of_snapshots_has_one_run_at_a_time(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    place = tmp_path / "snapshots"
    place.mkdir()
    lock = HeldLock(place / LOCK, print)
    words = [*STOPPED, f"runtime.snapshot_folder={place}", f"output={tmp_path / 'run'}"]
    assert main(words) == 2
    said = capsys.readouterr().err.splitlines()[-1]
    assert said.startswith("runtime.snapshot_folder must be a folder that no other run writes to (held by process")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["snapshots"]
    lock.release()
    assert main(words) == 0
    assert [path.suffix for path in place.iterdir()] == [".snapshot"]


def test_rounds_out_of_order_are_refused(copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = (copy / "journal.jsonl").read_text().splitlines(keepends=True)
    twice = next(line for line in lines if '"round"' in line)
    (copy / "journal.jsonl").write_text("".join([*lines, twice]))
    assert main([f"resume={copy}"]) == 2
    assert f"line {len(lines) + 1} has round 0 after 0" in capsys.readouterr().err


def test_a_run_that_cannot_write_its_first_lines_leaves_nothing_and_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "run"

    def full(file: int, content: bytes) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as disk:
        disk.setattr(files.os, "write", full)
        assert main([*STOPPED, f"output={folder}"]) == 2
    said = capsys.readouterr().err
    assert said.splitlines()[-1] == f"output: a run cannot begin in {folder}: No space left on device"
    assert list(tmp_path.iterdir()) == []
    assert main([*STOPPED, f"output={folder}"]) == 0


def test_a_run_that_was_killed_before_its_first_line_begins_when_it_is_resumed(copy: Path) -> None:
    (copy / "journal.jsonl").write_text("")
    shutil.rmtree(copy / "snapshots")
    (copy / "summary.json").unlink()
    assert main([f"resume={copy}", "stop.simulated_seconds=null"]) == 0
    lines = read_journal(copy / "journal.jsonl")
    assert [line["event"] for line in lines if line["event"] in ("started", "resumed")] == ["started"]
