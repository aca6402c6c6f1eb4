"""A disk that is full at any moment costs one line: what was begun goes on once there is room, or nothing is there."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from ceas_ray.cli.run import main
from ceas_ray.cli.sync import main as sync
from ceas_ray.runs.sweeps.state import running
from ceas_ray.runtime.failure import RuntimeFailure
from ceas_ray.tracking.files import read_journal
from tests.runs.sweeps.sweep_of_small_runs import small_jobs
from tests.runs.test_untrusted_files import within
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


@pytest.mark.slow
@pytest.mark.parametrize("kilobytes", [4, 16, 64, 1000])
def test_a_full_disk_of_mlflow_s_database_costs_one_line_and_a_sync_sends_all(
    kilobytes: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "run"
    with small_disk(tmp_path / "disk", kilobytes) as disk:
        uri = f"sqlite:///{disk}/mlflow.db"
        with within(LONGEST_SECONDS):
            assert main([*IN_MLFLOW, f"tracking.uri={uri}", f"output={folder}"]) == 0
        said = " ".join(capsys.readouterr().err.split())
        assert said.count("failed, the run goes on without it") == 1
        assert "the disk of the database has no room for 4 MB" in said
        subprocess.run(["mount", "-o", "remount,size=50m", disk], check=True)
        assert sync([str(folder)]) == 0


@pytest.mark.slow
@pytest.mark.parametrize("kilobytes", [16, 64, 200])
def test_a_run_with_its_database_on_the_same_full_disk_ends_soon(
    kilobytes: int, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with small_disk(tmp_path / "disk", kilobytes) as disk:
        monkeypatch.chdir(disk)
        with within(LONGEST_SECONDS):
            assert main([*IN_MLFLOW, "output=run"]) in (0, 1, 2)
        monkeypatch.chdir(tmp_path)
        assert "Traceback" not in capsys.readouterr().err


def test_a_sweep_begins_only_where_its_first_line_can_be_written(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", 16) as disk:
        (disk / "others").write_bytes(bytes(2**12))
        jobs = small_jobs(disk / "sweep", ["seed=1"])
        with open(disk / "more", "wb") as file:
            os.posix_fallocate(file.fileno(), 0, 2**12)
        with pytest.raises(RuntimeFailure, match="No space left on device; once it can be, the same command goes on"):
            running(disk / "sweep", "a key", jobs, by_default=False).__enter__()


@pytest.mark.slow
@pytest.mark.parametrize("kilobytes", [16, 64, 150])
@pytest.mark.parametrize("kind", ["grid", "optuna"])
def test_a_sweep_on_a_full_disk_ends_without_a_traceback(
    kilobytes: int, kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with small_disk(tmp_path / "disk", kilobytes) as disk:
        choice = {
            "grid": ["seed=1,2"],
            "optuna": ["hydra/sweeper=optuna", "hydra.sweeper.trials=2", "training.learning_rate=interval(0.01,1)"],
        }[kind]
        with within(LONGEST_SECONDS):
            code = main(["-m", *SMALL, *choice, f"hydra.sweep.dir={disk}/sweep"])
        said = capsys.readouterr().err
        assert code in (1, 2) and "Traceback" not in said, said
        assert "No space left on device" in said or "disk is full" in said
