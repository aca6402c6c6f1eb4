"""A run that is interrupted goes on to what an uninterrupted one gives; what cannot go on is refused or passed over."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from ceas_ray.cli.run import main
from ceas_ray.runs.folder import settings_text
from ceas_ray.tracking.files import Journal, read_journal
from ceas_ray.tracking.locks import LOCK, HeldLock
from ceas_ray.tracking.snapshots import SnapshotFolder, packed, unpacked
from tests.small_worlds import SMALL

SIX = [*(s for s in SMALL if not s.startswith("training.rounds")), "training.rounds=6", "attacks=alie"]
OFTEN = ["runtime.snapshot_every_rounds=1", "runtime.snapshots_kept=3"]
NOT_COMPARED = ("run", "time", "wall_seconds", "work_seconds")


def summary_of(folder: Path) -> dict[str, Any]:
    summary = json.loads((folder / "summary.json").read_text())
    return {name: value for name, value in summary.items() if name not in NOT_COMPARED}


def rounds_of(folder: Path) -> list[dict[str, Any]]:
    lines = [line for line in read_journal(folder / "journal.jsonl") if line["event"] == "round"]
    return [{name: value for name, value in line.items() if name not in NOT_COMPARED} for line in lines]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "whole"
    assert main([*SIX, f"output={folder}"]) == 0
    return folder


def interrupted(folder: Path, rounds: int, number: int = signal.SIGKILL) -> None:
    """A run of SIX whose driver is ended by a signal when this many rounds are in its journal."""
    command = [sys.executable, "-m", "ceas_ray.cli.run", *SIX, *OFTEN, f"output={folder}"]
    journal = folder / "journal.jsonl"
    # The pipe is never read: the driver cannot outrun this test by more than it may print.
    code = (
        "import os, sys\n"
        "from ceas_ray.tracking.files import Journal\n"
        "append = Journal.append\n"
        "def stopping(self, event, values):\n"
        f"    if event == 'round' and values['round'] == {rounds}:\n"
        f"        os.kill(os.getpid(), {int(number)})\n"
        "    append(self, event, values)\n"
        "Journal.append = stopping\n"
        "from ceas_ray.cli.run import main\n"
        "sys.exit(main(sys.argv[1:]))\n"
    )
    done = subprocess.run([sys.executable, "-c", code, *command[3:]], capture_output=True, timeout=120)
    assert done.returncode == (-signal.SIGKILL if number == signal.SIGKILL else 130), done.stderr.decode()
    assert journal.exists()


def same(folder: Path, whole: Path) -> None:
    assert summary_of(folder) == summary_of(whole)
    assert rounds_of(folder) == rounds_of(whole)
    assert (folder / "model.npz").read_bytes() == (whole / "model.npz").read_bytes()


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
@pytest.mark.parametrize("rounds", [0, 3])
def test_a_run_whose_driver_ended_goes_on_to_the_same_result(
    whole: Path, tmp_path: Path, rounds: int, number: int
) -> None:
    folder = tmp_path / "run"
    interrupted(folder, rounds, number)
    assert main([f"resume={folder}"]) == 0
    same(folder, whole)
    events = [line["event"] for line in read_journal(folder / "journal.jsonl")]
    assert events.count("resumed") == 1
    assert not list(folder.glob("*.partial"))
    assert len(list((folder / "snapshots").iterdir())) == 3


def test_a_run_that_a_limit_ended_goes_on_without_it(whole: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    assert main([*SIX, f"output={folder}", "stop.simulated_seconds=0.001"]) == 0
    assert main([f"resume={folder}", "stop.simulated_seconds=null"]) == 0
    same(folder, whole)


@pytest.mark.slow
@pytest.mark.parametrize("damage", ["cut short", "a flipped bit", "empty", "every one"])
def test_damaged_snapshots_are_passed_over(
    whole: Path, tmp_path: Path, damage: str, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "run"
    interrupted(folder, 4)
    files = sorted((folder / "snapshots").iterdir())
    for path in files if damage == "every one" else files[-1:]:
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 4
        whole_bytes = {"cut short": content[:-40], "empty": b""}.get(damage, content)
        path.write_bytes(whole_bytes)
    assert main([f"resume={folder}"]) == 0
    said = " ".join(capsys.readouterr().err.split())
    assert f"{files[-1].name} is not usable" in said
    assert ("starting from the first round" in said) == (damage == "every one")
    same(folder, whole)


@pytest.mark.slow
def test_a_resumed_run_has_the_settings_of_its_folder(
    whole: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "run"
    interrupted(folder, 4)
    for overrides, line in {
        ("seed=2",): "seed must be 1 as in the run in",
        ("attacks=sign_flip",): "attacks.attack._target_ must be 'ceas_ray.attacks.little_is_enough",
        ("training.rounds=7",): "training.rounds must be 6 as in the run",
        ("verify=/nowhere",): "verify must be null where a run is resumed",
    }.items():
        assert main([f"resume={folder}", *overrides]) == 2
        said = capsys.readouterr().err
        assert line in said
        assert said.count("\n") == 1
    assert main([f"resume={folder}", "seed=1", "runtime.hang_seconds=20"]) == 0
    same(folder, whole)
    assert main([f"resume={folder}"]) == 2
    assert "resume must be a run that is not completed" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"settings": {"seed": "2"}}, "round_00000004.snapshot with seed: 2 instead of 1"),
        ({"versions": {"numpy": "1.0"}}, "round_00000004.snapshot with numpy: 1.0 instead of"),
        ({"versions": {"code": "0"}}, "round_00000004.snapshot with code: 0 instead of"),
    ],
)
def test_a_snapshot_of_other_settings_or_another_version_is_refused_by_the_difference(
    tmp_path: Path, change: dict[str, dict[str, str]], line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "run"
    interrupted(folder, 5)
    path = folder / "snapshots" / "round_00000004.snapshot"
    newest = sorted((folder / "snapshots").iterdir())[-1]
    content = unpacked(newest.read_bytes())
    for part, entries in change.items():
        content[part] |= entries
    newest.unlink()
    path.write_bytes(packed(content))
    assert main([f"resume={folder}"]) == 2
    said = capsys.readouterr().err
    assert line in said
    assert said.count("\n") == 1


@pytest.mark.slow
def test_settings_of_the_folder_are_untrusted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    path = folder / "settings.yaml"
    bomb = "a: &a [x, x]\nb: &b [*a, *a]\n"
    for text in ("!!python/object/apply:os.system ['true']", "[" * 5000, "- 1", "\x00", bomb, "a: 2001-99-99", ""):
        path.write_text(text)
        assert main([f"resume={folder}"]) == 2
        said = capsys.readouterr().err
        assert said.startswith(f"resume: {path} holds no whole settings of a run: ")
        assert said.count("\n") == 1


@pytest.mark.parametrize("command", ["resume", "verify"])
def test_a_run_of_another_version_whose_settings_are_others_is_refused_as_such(
    whole: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    settings = yaml.safe_load((whole / "settings.yaml").read_text())
    del settings["processors"]["idle_qubits"]
    (tmp_path / "settings.yaml").write_text(yaml.safe_dump(settings))
    started, *_ = read_journal(whole / "journal.jsonl")
    (tmp_path / "journal.jsonl").write_text(json.dumps(started | {"code": "another"}) + "\n")
    assert main([f"{command}={tmp_path}"]) == 2
    assert capsys.readouterr().err == (
        f"{command} must be a run of this version of ceas_ray "
        f"(processors.idle_qubits must be given, got nothing; its code: another), got '{tmp_path}'\n"
    )


def test_a_full_disk_costs_a_warning_and_no_round(
    whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "run"

    def full(snapshots: SnapshotFolder, rounds: int, value: Any, beside: Any) -> None:
        raise OSError(28, "No space left on device", f"{rounds}")

    monkeypatch.setattr(SnapshotFolder, "write", full)
    assert main([*SIX, *OFTEN, f"output={folder}"]) == 0
    said = " ".join(capsys.readouterr().err.split())
    assert said.count("snapshots cannot be written, the run goes on without") == 1
    same(folder, whole)
    warned = [line["text"] for line in read_journal(folder / "journal.jsonl") if line["event"] == "warning"]
    assert ["snapshots cannot be written" in text for text in warned].count(True) == 1


def test_lines_of_the_journal_wait_while_the_disk_is_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    warnings: list[str] = []
    journal = Journal(tmp_path / "journal.jsonl", HeldLock(tmp_path / LOCK, print), warnings.append)
    journal.append("round", {"round": 0})
    write, room = os.write, 10

    def full(file: int, content: bytes) -> int:
        if room == 0:
            raise OSError(28, "No space left on device")
        return write(file, content[:room]) and _none_left()

    def _none_left() -> int:
        nonlocal room
        room = 0
        return 10

    monkeypatch.setattr(os, "write", full)
    journal.append("round", {"round": 1})
    journal.append("round", {"round": 2})
    assert [line["round"] for line in read_journal(tmp_path / "journal.jsonl")] == [0]
    assert len(warnings) == 1
    monkeypatch.setattr(os, "write", write)
    journal.append("round", {"round": 3})
    journal.close()
    assert [line["round"] for line in read_journal(tmp_path / "journal.jsonl")] == [0, 1, 2, 3]


@pytest.mark.slow
def test_a_run_is_resumed_by_one_process_only(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "run"
    interrupted(folder, 2)
    lock = HeldLock(folder / LOCK, print)
    assert main([f"resume={folder}"]) == 2
    said = capsys.readouterr().err
    assert f"resume must be a folder that no other process writes to (held by process {os.getpid()} on " in said
    lock.release()


def test_verify_replays_a_run_and_names_the_first_difference(
    whole: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([f"verify={whole}"]) == 0
    assert f"the same: 6 rounds of {whole}" in capsys.readouterr().out
    folder = tmp_path / "changed"
    folder.mkdir()
    (folder / "settings.yaml").write_text((whole / "settings.yaml").read_text())
    lines = read_journal(whole / "journal.jsonl")
    lines[4]["digest"] = "0" * 32
    (folder / "journal.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert main([f"verify={folder}"]) == 1
    said = capsys.readouterr().err
    assert f"round {lines[4]['round']} differs: digest" in said
    assert f"instead of {'0' * 32}" in said


@pytest.mark.slow
def test_the_timeline_is_a_trace_of_simulated_time(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    assert main([*SIX, f"output={folder}", "timeline=true", "stop.simulated_seconds=0.001"]) == 0
    assert main([f"resume={folder}", "stop.simulated_seconds=null"]) == 0
    events = json.loads((folder / "timeline.json").read_text())
    names = {e["args"]["name"] for e in events if e["ph"] == "M"}
    assert {"processor", "processor/0", "replica/6", "rounds"} <= names
    rounds = [e for e in events if e["ph"] == "X" and e["name"].startswith("round ")]
    assert [e["name"] for e in rounds] == [f"round {n}" for n in range(len(rounds))] and len(rounds) == 6
    work = [e for e in events if e["ph"] == "X" and e["name"] == "gradient"]
    assert len(work) == 6 * 8 and all(e["dur"] > 0 for e in work)


def test_settings_are_written_without_aliases() -> None:
    shared = [1, 2]
    assert "*" not in settings_text({"a": shared, "b": shared})
    assert yaml.safe_load(settings_text({"a": shared, "b": None})) == {"a": [1, 2], "b": None}
