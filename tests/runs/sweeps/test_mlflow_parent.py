"""The jobs of a sweep are shown under one MLflow run, whose page compares them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from urllib.parse import unquote

import pytest

from ceas_ray.cli.run import main
from ceas_ray.runs.mlflow_content import PARENT
from ceas_ray.tracking.mlflow_pages import NOTE
from tests.small_worlds import SMALL

WORDS = ["-m", *(word for word in SMALL if word != "tracking=folder"), "training.rounds=1", "scheduling=mdp,oblivious"]


@pytest.mark.slow
def test_the_jobs_of_a_sweep_have_one_parent_and_a_page_that_compares_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main([*WORDS, "output=compared"]) == 0
    said = " ".join(capsys.readouterr().err.split())
    from mlflow import MlflowClient

    client = MlflowClient(f"sqlite:///{tmp_path}/outputs/mlflow.db")
    runs = client.search_runs([client.get_experiment_by_name("ceas_ray").experiment_id])
    (parent,) = [run for run in runs if PARENT not in run.data.tags]
    children = [run for run in runs if run.data.tags.get(PARENT) == parent.info.run_id]
    assert parent.info.run_name.startswith("sweep of scheduling: count=8 ")
    assert {run.data.params["scheduling"] for run in children} == {"mdp", "oblivious"}
    assert {run.data.tags["sweep"] for run in runs} == {"compared"}
    assert parent.info.status == "FINISHED" and parent.data.metrics["jobs_completed"] == 2
    assert "| job | scheduling | test accuracy | state |" in parent.data.tags[NOTE]
    page = re.search(r"http://127.0.0.1:5000/#/compare-runs\?runs=(\S+)&experiments=(\S+)&workflowType", said)
    assert page is not None
    assert set(json.loads(unquote(page[1]))) == {run.info.run_id for run in children}
    assert json.loads(unquote(page[2])) == [parent.info.experiment_id]
