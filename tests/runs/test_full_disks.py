"""A disk that is full at any moment costs one line: what was begun goes on once there is room, or nothing is there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from ceas_ray.cli.run import main
from ceas_ray.tracking.files import read_journal
from tests.small_disk import small_disk
from tests.small_worlds import SMALL

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root mounts a small disk")
IN_MLFLOW = [*(word for word in SMALL if word != "tracking=folder"), "tracking=mlflow"]
LONGEST_SECONDS = 90
"""MLflow tries for a hundred seconds to make a database where there is no room."""


@pytest.mark.slow
@pytest.mark.parametrize("kilobytes", [4, 16, 24, 52])
def test_a_run_on_a_full_disk_can_be_resumed_or_leaves_nothing(
    kilobytes: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with small_disk(tmp_path / "disk", kilobytes) as disk:
        folder = disk / "run"
        words = [*SMALL, "timeline=true", "runtime.snapshot_every_rounds=1", f"output={folder}"]
        code = main(words)
        said = capsys.readouterr().err
        assert "Traceback" not in said and "None" not in said
        assert (code, folder.exists()) in ((2, False), (1, True)), said
        last = "output: a run cannot begin in" if code == 2 else f"resume={folder} goes on with the run"
        assert last in said.splitlines()[-1] and "No space left on device" in said.splitlines()[-1]
        subprocess.run(["mount", "-o", "remount,size=10m", disk], check=True)
        assert main(words if code == 2 else [f"resume={folder}"]) == 0
        assert json.loads((folder / "summary.json").read_text())["status"] == "completed"
        lines = read_journal(folder / "journal.jsonl")
        assert [line["round"] for line in lines if line["event"] == "round"] == [0, 1, 2]


def ran(*words: str, module: str = "run", folder: Path | None = None) -> subprocess.CompletedProcess[str]:
    """A command in a process of its own, which leaves no file open."""
    command = [sys.executable, "-m", f"ceas_ray.cli.{module}", *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=LONGEST_SECONDS, cwd=folder)
    assert "Traceback" not in done.stderr, done.stderr
    return done


@pytest.mark.slow
@pytest.mark.parametrize("kilobytes", [4, 1000])
def test_a_full_disk_of_mlflow_s_database_costs_one_line_and_a_sync_sends_all(kilobytes: int, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    with small_disk(tmp_path / "disk", kilobytes) as disk:
        done = ran(*IN_MLFLOW, f"tracking.uri=sqlite:///{disk}/mlflow.db", f"output={folder}")
        said = " ".join(done.stderr.split())
        assert done.returncode == 0 and said.count("failed, the run goes on without it") == 1
        assert "the disk of the database has no room for 4 MB" in said or "disk is full" in said
        subprocess.run(["mount", "-o", "remount,size=50m", disk], check=True)
        assert ran(str(folder), module="sync").returncode == 0


@pytest.mark.slow
@pytest.mark.parametrize("kilobytes", [16, 200])
def test_a_run_with_its_database_on_the_same_full_disk_ends_soon(kilobytes: int, tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", kilobytes) as disk:
        assert ran(*IN_MLFLOW, "output=run", folder=disk).returncode in (0, 1, 2)


@pytest.mark.slow
@pytest.mark.parametrize("words", [
    ["seed=1,2"],
    ["hydra/sweeper=optuna", "hydra.sweeper.trials=2", "training.learning_rate=interval(0.01,1)"],
])  # fmt: skip
@pytest.mark.parametrize("kilobytes", [16, 60])
def test_a_sweep_on_a_full_disk_ends_in_order(kilobytes: int, words: list[str], tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", kilobytes) as disk:
        done = ran("-m", *SMALL, *words, f"hydra.sweep.dir={disk}/sweep")
        assert done.returncode in (1, 2)
        assert "No space left on device" in done.stderr or "disk is full" in done.stderr
