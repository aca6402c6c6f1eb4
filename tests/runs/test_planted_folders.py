"""A run folder that somebody else wrote sends no token away, follows no link, waits for no pipe, fills no memory."""

from __future__ import annotations

import json
import os
import sqlite3
import zlib
from pathlib import Path
from typing import Any

import pytest
import yaml

from ceas_ray.cli.report import main as report
from ceas_ray.cli.run import main
from ceas_ray.cli.sync import main as sync
from ceas_ray.reports.report import draw_figures
from ceas_ray.runs.confirmed_places import confirmations
from ceas_ray.tracking import snapshots
from ceas_ray.tracking.files import PARTIAL, read_journal, write_whole
from ceas_ray.tracking.snapshots import FORMAT, MAGIC, packed, unpacked
from tests.small_worlds import SMALL

STOPPED = [*SMALL, "stop.simulated_seconds=0.001"]
ON = "stop.simulated_seconds=null"
AWAY = {"runtime.address": "203.0.113.7:6379", "tracking.uri": "http://203.0.113.7:5000"}


def planted(folder: Path, **groups: dict[str, Any]) -> None:
    path = folder / "settings.yaml"
    settings = yaml.safe_load(path.read_text())
    path.write_text(yaml.safe_dump(settings | {name: settings[name] | keys for name, keys in groups.items()}))


def said(capsys: pytest.CaptureFixture[str]) -> str:
    text = capsys.readouterr().err
    assert text.count("\n") == 1, text
    return text


@pytest.mark.slow
def test_a_cluster_that_a_folder_names_is_not_joined_unless_the_user_names_it_too(
    copy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    planted(copy, runtime={"name": "ray", "address": AWAY["runtime.address"]})
    capsys.readouterr()
    for word in ("resume", "verify"):
        assert main([f"{word}={copy}"]) == 2
        line = said(capsys)
        assert line.startswith(f"runtime.address: the run in {copy} names '203.0.113.7:6379', and tokens would be sent")
        assert line.endswith("; runtime.address=203.0.113.7:6379 or RAY_ADDRESS confirms it\n")
    assert main([f"resume={copy}", "runtime=local", ON]) == 0


def test_a_server_that_a_folder_names_gets_nothing_unless_the_user_names_it_too(
    copy: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    planted(copy, tracking={"mlflow": True, "uri": AWAY["tracking.uri"]})
    capsys.readouterr()
    assert main([f"resume={copy}", ON]) == 2
    assert said(capsys).endswith("; tracking.uri=http://203.0.113.7:5000 or MLFLOW_TRACKING_URI confirms it\n")
    assert sync([str(copy)]) == 2
    assert said(capsys).endswith("; --uri http://203.0.113.7:5000 or MLFLOW_TRACKING_URI confirms it\n")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://203.0.113.8:5000")
    assert sync([str(copy)]) == 2, "another server confirms nothing"
    assert main([f"resume={copy}", ON, "tracking=folder"]) == 0


CODE = """
from pathlib import Path
from qiskit import QuantumCircuit
from qiskit.circuit import ParameterVector

Path(__file__).with_name("ran").touch()

def mine():
    x, theta = ParameterVector("x", 2), ParameterVector("theta", 2)
    made = QuantumCircuit(2)
    for qubit in range(2):
        made.ry(x[qubit], qubit)
        made.ry(theta[qubit], qubit)
    return made, x, theta
"""


@pytest.mark.slow
def test_code_that_a_folder_names_is_not_run_unless_the_user_names_it_too(
    copy: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for place in (copy, copy.parent / "elsewhere"):
        place.mkdir(exist_ok=True)
        (place / "mine.py").write_text(CODE)
        planted(copy, training={"circuit": f"{place}/mine.py:mine"})
        capsys.readouterr()
        for word in ("resume", "verify"):
            assert main([f"{word}={copy}", ON]) == 2
            line = said(capsys)
            assert f"names code in {place}/mine.py, which would be run; training.circuit={place}/mine.py:mine" in line
        monkeypatch.chdir(copy)
        assert main([f"resume={copy}", ON]) == 2, "a run folder confirms nothing"
        monkeypatch.chdir(tmp_path)
        assert not (place / "ran").exists()


@pytest.mark.slow
def test_a_run_with_a_circuit_of_the_users_own_goes_on_where_it_lies_or_when_it_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    own, run = tmp_path / "own", tmp_path / "run"
    own.mkdir()
    (own / "mine.py").write_text(CODE)
    monkeypatch.chdir(tmp_path)
    word = f"training.circuit={own}/mine.py:mine"
    assert main([*STOPPED, "training.inputs=local", "training.circuit=own/mine.py:mine", f"output={run}"]) == 0
    assert word in capsys.readouterr().err, "the command that goes on confirms it"
    assert main([f"resume={run}"]) == 2
    assert main([f"resume={run}", word]) == 0
    monkeypatch.chdir(own)
    assert main([f"resume={run}", ON]) == 0


def test_a_password_in_a_folder_is_not_repeated(copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    planted(copy, tracking={"mlflow": True, "uri": "http://me:secret@203.0.113.7:5000"})
    capsys.readouterr()
    assert main([f"resume={copy}", ON]) == 2
    assert "secret" not in said(capsys)


def test_the_command_that_goes_on_confirms_the_places_of_its_run() -> None:
    config = {
        "runtime": {"name": "ray", "address": "auto"}, "tracking": {"mlflow": True, "uri": AWAY["tracking.uri"]},
        "verify": None,
    }  # fmt: skip
    assert confirmations(config, {}) == ["runtime.address=auto", "tracking.uri=http://203.0.113.7:5000"]
    assert confirmations(config, {"MLFLOW_TRACKING_URI": AWAY["tracking.uri"]}) == ["runtime.address=auto"]
    config["tracking"]["uri"] = "http://me:secret@203.0.113.7:5000"
    assert confirmations(config, {"RAY_ADDRESS": "auto"}) == []


@pytest.mark.parametrize(
    "name", ["settings.yaml", "journal.jsonl", "summary.json", ".lock", "timeline.json", "snapshots"]
)
def test_links_in_a_run_folder_are_not_followed(
    name: str, copy: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    victim = tmp_path / "victim"
    if (copy / name).exists():
        (copy / name).rename(victim)
    else:
        victim.write_text("mine")
    before = victim.read_bytes() if victim.is_file() else sorted(victim.iterdir())
    (copy / name).symlink_to(victim)
    code = main([f"resume={copy}", ON, *(["timeline=true"] if name == "timeline.json" else [])])
    assert code in (0, 2) and "Traceback" not in capsys.readouterr().err
    assert code == 2 or name in ("summary.json", "timeline.json")
    assert (victim.read_bytes() if victim.is_file() else sorted(victim.iterdir())) == before


def test_a_link_where_a_file_is_written_first_is_not_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "victim").write_text("mine")
    monkeypatch.setattr("ceas_ray.tracking.files.secrets.token_hex", lambda length: "0" * 2 * length)
    (tmp_path / f"model.npz.00000000{PARTIAL}").symlink_to(tmp_path / "victim")
    with pytest.raises(FileExistsError):
        write_whole(tmp_path / "model.npz", b"content")
    assert (tmp_path / "victim").read_text() == "mine"


@pytest.mark.slow
@pytest.mark.parametrize("name", ["figures", "figures/pairs.png"])
def test_links_where_figures_are_drawn_are_not_followed(name: str, copy: Path, tmp_path: Path) -> None:
    (copy / name).parent.mkdir(exist_ok=True)
    victim = tmp_path / "victim"
    victim.mkdir() if name == "figures" else victim.write_text("mine")
    (copy / name).symlink_to(victim)
    if name == "figures":
        with pytest.raises(OSError, match="a link, which is not followed"):
            draw_figures(copy)
        assert list(victim.iterdir()) == []
    else:
        draw_figures(copy)
        assert victim.read_text() == "mine" and not (copy / name).is_symlink()


@pytest.mark.parametrize("format_", ["html", "png", "csv", "tex"])
def test_a_report_follows_no_link(format_: str, copy: Path, tmp_path: Path) -> None:
    (tmp_path / "victim").write_text("mine")
    names = {"html": "report.html", "png": "pairs.png", "csv": "runs.csv", "tex": "comparison.tex"}
    (copy / names[format_]).symlink_to(tmp_path / "victim")
    assert report([str(copy), "--formats", format_]) == 0
    assert (tmp_path / "victim").read_text() == "mine" and not (copy / names[format_]).is_symlink()


@pytest.mark.slow
def test_a_database_beside_a_run_chooses_no_folder_for_its_files(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    words = [*(word for word in SMALL if word != "tracking=folder"), "tracking=mlflow"]
    assert main([*words, "output=outputs/run"]) == 0
    (tmp_path / "outputs").rename(tmp_path / "theirs")
    database = tmp_path / "theirs" / "mlflow.db"
    with sqlite3.connect(database) as connection:
        connection.execute("update runs set artifact_uri = ?", [f"file://{tmp_path}/victim"])
    connection.close()
    run = str(tmp_path / "theirs" / "run")
    capsys.readouterr()
    assert sync([run]) == 1
    assert f"its files lie in file://{tmp_path}/victim, outside of {tmp_path}/theirs" in capsys.readouterr().err
    assert not (tmp_path / "victim").exists()
    assert sync(["--uri", f"sqlite:///{database}", run]) == 0
    assert (tmp_path / "victim").exists(), "a database that the user names is the user's"


@pytest.mark.parametrize(
    "change", [{"origin": {"choices": [1, 2]}}, {"origin": {"overrides": [3]}}, {"tracking": {"mlflow": True}}]
)
def test_a_sync_of_settings_with_values_of_other_types_is_one_line_or_nothing(
    change: dict[str, Any], copy: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = copy / "settings.yaml"
    path.write_text(yaml.safe_dump(yaml.safe_load(path.read_text()) | change))
    capsys.readouterr()
    assert sync(["--uri", f"sqlite:///{tmp_path}/mlflow.db", str(copy)]) in (0, 2)
    assert capsys.readouterr().err.count("\n") <= 1


@pytest.mark.parametrize("content", ["[" * 10**5 + "\n", '{"event": 3}\n', "garbage\n"])
def test_a_sync_says_so_in_one_line_where_the_journal_of_a_sweep_was_written_by_none(
    content: str, copy: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "sweep.jsonl").write_text(content)
    capsys.readouterr()
    assert sync(["--uri", f"sqlite:///{tmp_path}/mlflow.db", str(copy)]) == 2
    assert "sweep.jsonl cannot be read: " in said(capsys)


def test_a_folder_that_is_called_like_a_file_in_the_making_is_left_alone(copy: Path) -> None:
    (copy / f"x{PARTIAL}").mkdir()
    (copy / f"y{PARTIAL}").touch()
    assert main([f"resume={copy}", ON]) == 0
    assert [path.name for path in copy.glob(f"*{PARTIAL}")] == [f"x{PARTIAL}"]


@pytest.mark.parametrize("name", ["settings.yaml", "journal.jsonl", "snapshot"])
def test_pipes_in_place_of_files_are_refused_and_not_waited_for(
    name: str, copy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = next((copy / "snapshots").iterdir()) if name == "snapshot" else copy / name
    path.unlink()
    os.mkfifo(path)
    capsys.readouterr()
    assert main([f"resume={copy}", ON]) == (0 if name == "snapshot" else 2)
    assert "no plain file" in " ".join(capsys.readouterr().err.split())


def test_a_journal_with_a_line_without_end_is_refused(copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with (copy / "journal.jsonl").open("ab") as file:
        file.truncate(2**32)  # a hole, which takes no room on the disk
    capsys.readouterr()
    assert main([f"resume={copy}"]) == 2
    assert "a line is longer than" in said(capsys)


def bomb(plain: bytes) -> bytes:
    head, content = MAGIC + bytes([FORMAT]), zlib.compress(plain, level=1)
    return head + snapshots._checksum(head, content) + content


def test_small_snapshots_that_stand_for_much_are_passed_over(copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for plain in (b"\xdd\x00\x40\x00\x00" + b"\x90" * 2**22, b"\xc6\x08\x00\x00\x00" + bytes(2**27)):
        assert len(bomb(plain)) < 2**20
        with pytest.raises(ValueError, match=r"malformed data|does not end"):
            unpacked(bomb(plain))


@pytest.mark.parametrize(
    "change",
    [
        {"wall_seconds": float("nan")}, {"wall_seconds": float("inf")}, {"rounds": float("nan")}, {"rounds": -1},
        {"faults": [{"cause": float("nan")}]}, {"settings": {"seed\n": "1"}}, {"settings": {"seed": float("nan")}},
        {"versions": {"numpy": "\x1b[31m"}}, {"run": float("nan")}, {"run": b"\xff"},
    ],
)  # fmt: skip
def test_garbage_in_the_head_of_a_snapshot_is_passed_over(
    change: dict[str, Any], copy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (path,) = (copy / "snapshots").iterdir()
    path.write_bytes(packed(unpacked(path.read_bytes()) | change))
    capsys.readouterr()
    assert main([f"resume={copy}", ON]) == 0
    text = capsys.readouterr().err
    assert f"{path.name} is not usable" in text and "\x1b[31m" not in text
    assert json.loads((copy / "summary.json").read_text())["status"] == "completed"
    assert [line["event"] for line in read_journal(copy / "journal.jsonl")].count("warning") >= 1
