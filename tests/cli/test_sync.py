"""What MLflow missed is sent afterwards, once, from the folder of the run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ceas_ray.cli.run import main
from ceas_ray.cli.sync import main as sync
from ceas_ray.tracking.locks import LOCK, HeldLock
from tests.runs.test_mlflow_run import numbers
from tests.small_worlds import SMALL

pytestmark = pytest.mark.slow
WITH_MLFLOW = [*(s for s in SMALL if s != "tracking=folder"), "tracking=mlflow"]


def steps(folder: Path, uri: str) -> list[int]:
    from mlflow import MlflowClient

    client = MlflowClient(uri)
    (run,) = client.search_runs([client.get_experiment_by_name("ceas_ray").experiment_id])
    summary = json.loads((folder / "summary.json").read_text())
    assert run.info.run_id == summary["mlflow_run_id"]
    assert run.info.status == "FINISHED"
    assert run.data.tags["trace_digest"] == summary["trace_digest"]
    assert run.data.params["processors.count"] == "8"
    of_run = {name: value for name, value in run.data.metrics.items() if not name.startswith("round/")}
    assert of_run == numbers(summary)
    return [metric.step for metric in client.get_metric_history(run.info.run_id, "round/utilization")]


def test_a_run_without_its_server_is_sent_afterwards_and_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "run"
    assert main([*WITH_MLFLOW, "tracking.uri=http://127.0.0.1:9", f"output={folder}"]) == 0
    assert json.loads((folder / "summary.json").read_text())["mlflow_run_id"] is None
    assert sync(["--uri", "http://127.0.0.1:9", str(folder)]) == 1
    assert "MLflow at http://127.0.0.1:9 failed" in capsys.readouterr().err
    uri = f"sqlite:///{tmp_path}/mlflow.db"
    assert sync(["--uri", uri, str(folder)]) == 0
    assert steps(folder, uri) == [1, 2, 3]
    assert sync(["--uri", uri, str(folder)]) == 0
    assert steps(folder, uri) == [1, 2, 3]


def test_a_resumed_run_goes_on_in_its_mlflow_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "run"
    assert main([*WITH_MLFLOW, f"output={folder}", "stop.simulated_seconds=0.001"]) == 0
    assert main([f"resume={folder}", "stop.simulated_seconds=null"]) == 0
    assert steps(folder, f"sqlite:///{tmp_path}/outputs/mlflow.db") == [1, 2, 3]


def test_a_folder_without_a_run_and_a_running_one_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert sync([str(tmp_path)]) == 2
    assert capsys.readouterr().err == f"folder: {tmp_path} is not the folder of a run: it has no settings.yaml\n"
    folder = tmp_path / "run"
    assert main([*SMALL, f"output={folder}"]) == 0
    lock = HeldLock(folder / LOCK, print)
    assert sync([str(folder)]) == 2
    assert "folder must be a folder that no other process writes to (held by process " in capsys.readouterr().err
    lock.release()
