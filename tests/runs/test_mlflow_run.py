"""A run in MLflow, as a person who knows MLflow expects it."""

from __future__ import annotations

import json
import sqlite3
import time
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pytest

from ceas_ray.cli.run import main
from ceas_ray.cli.sync import main as sync
from ceas_ray.config.composition import composed
from ceas_ray.config.schema import RunSettings
from ceas_ray.config.validation import build
from ceas_ray.tracking.files import read_journal
from ceas_ray.tracking.mlflow_pages import NOTE
from ceas_ray.training.datasets import split
from ceas_ray.training.sources import load_classes
from tests.small_worlds import SMALL

WORDS = [
    "attacks=alie", "scheduling=two_level", "attacks.fraction=0.25", "aggregation.byzantine_fraction=0.25", "seed=3",
    *(word for word in SMALL if word not in ("tracking=folder", "quiet=true")), "tracking=mlflow",
]  # fmt: skip


class Tracked(NamedTuple):
    """A run that was tracked: its folder, what it printed, MLflow's client and MLflow's run."""

    folder: Path
    said: str
    client: Any
    run: Any
    began: float
    ended: float

    @property
    def summary(self) -> dict[str, Any]:
        return dict(json.loads((self.folder / "summary.json").read_text()))


@pytest.fixture(scope="module")
def tracked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tracked]:
    place = tmp_path_factory.mktemp("tracked")
    capture = pytest.MonkeyPatch()
    capture.chdir(place)
    printed: list[str] = []
    capture.setattr("ceas_ray.tracking.console.RunProgress.say", lambda _, line: printed.append(line))
    began = time.time()
    assert main([*WORDS, f"output={place}/elsewhere/run"]) == 0
    capture.undo()
    from mlflow import MlflowClient

    client = MlflowClient(f"sqlite:///{place}/outputs/mlflow.db")
    (run,) = client.search_runs([client.get_experiment_by_name("ceas_ray").experiment_id])
    yield Tracked(place / "elsewhere" / "run", "\n".join(printed), client, run, began, time.time())


def numbers(values: Mapping[str, Any], prefix: str = "") -> dict[str, float]:
    found: dict[str, float] = {}
    for name, value in values.items():
        if isinstance(value, dict):
            found |= numbers(value, f"{prefix}{name}.")
        elif type(value) in (int, float):
            found[f"{prefix}{name}"] = value
    return found


def test_every_number_of_the_summary_is_a_metric_of_the_same_name_and_value(tracked: Tracked) -> None:
    metrics = {name: value for name, value in tracked.run.data.metrics.items() if not name.startswith("round/")}
    assert metrics == numbers(tracked.summary)
    assert metrics["bell_pairs.by_use.training.used"] > 0


def test_every_number_of_every_round_is_a_metric_with_its_step_and_time(tracked: Tracked) -> None:
    lines = [line for line in read_journal(tracked.folder / "journal.jsonl") if line["event"] == "round"]
    for name in ("simulated_seconds", "wall_seconds", "contrast", "weight_byzantine"):
        history = tracked.client.get_metric_history(tracked.run.info.run_id, f"round/{name}")
        assert [(m.step, m.value) for m in history] == [(line["round"] + 1, line[name]) for line in lines]
        assert [m.timestamp for m in history] == [int(line["time"] * 1000) for line in lines]
    assert tracked.began <= lines[0]["time"] < lines[-1]["time"] <= tracked.ended


def test_a_run_begins_and_ends_when_it_did(tracked: Tracked) -> None:
    lines = read_journal(tracked.folder / "journal.jsonl")
    info = tracked.run.info
    assert info.start_time == int(lines[0]["time"] * 1000)
    assert info.end_time == int(next(line["time"] for line in lines if line["event"] == "ended") * 1000)


def test_it_is_found_by_its_choices_and_named_by_what_differs(tracked: Tracked) -> None:
    data = tracked.run.data
    assert data.params["scheduling"] == data.tags["scheduling"] == "two_level"
    assert data.params["attacks.fraction"] == "0.25" and data.params["processors"] == "pauli"
    found = tracked.client.search_runs([tracked.run.info.experiment_id], "params.scheduling = 'two_level'")
    assert len(found) == 1
    name = tracked.run.info.run_name
    assert name.startswith("alie two_level fraction=0.25 ") and name.endswith(" seed 3")


def test_its_data_are_an_input_with_a_digest(tracked: Tracked) -> None:
    (entry,) = tracked.run.inputs.dataset_inputs
    features, labels = load_classes("digits", (3, 8))
    assert entry.dataset.name == "digits" and len(entry.dataset.digest) == 32
    profile = json.loads(entry.dataset.profile)
    assert profile["train"] + profile["test"] == len(labels)
    assert profile["features"] == features.shape[1]
    assert [(tag.key, tag.value) for tag in entry.tags] == [("mlflow.data.context", "training")]


def test_its_model_is_loaded_and_predicts_what_the_run_counted(
    tracked: Tracked, monkeypatch: pytest.MonkeyPatch
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of MLflow about itself
        import mlflow.pyfunc

    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tracked.folder.parents[1]}/outputs/mlflow.db")
    (output,) = tracked.run.outputs.model_outputs
    choice = build(RunSettings, composed(WORDS)).training.data
    _, test = split(*load_classes("digits", choice.classes), choice.test_fraction, 3)
    for uri in (f"models:/{output.model_id}", f"runs:/{tracked.run.info.run_id}/model"):
        predicted = mlflow.pyfunc.load_model(uri).predict(pd.DataFrame(test.features))
        assert list(predicted.columns) == ["class", "output_0"]
        right = predicted["class"].to_numpy() == np.array(choice.classes).astype(str)[test.labels]
        assert right.mean() == tracked.summary["test_accuracy"]


def test_the_page_of_its_model_says_what_it_is_and_how_good(tracked: Tracked) -> None:
    """Its numbers are those of the summary; the ones that were measured on data say on which."""
    (output,) = tracked.run.outputs.model_outputs
    model, run = tracked.client.get_logged_model(output.model_id), tracked.run
    assert model.name == run.info.run_name.replace("...", "--").replace(".", "_")
    expected = {"scheduling": "two_level", "attacks": "alie", "training.qubits": "3", "seed": "3"}
    assert model.params.items() >= expected.items() and model.params.items() <= run.data.params.items()
    summary = numbers(tracked.summary)
    assert {point.key: point.value for point in model.metrics}.items() <= summary.items()
    data = {point.key: (point.dataset_name, point.dataset_digest) for point in model.metrics}
    (entry,) = run.inputs.dataset_inputs
    assert data["test_accuracy"] == ("digits", entry.dataset.digest)
    assert data["bell_pairs.generated"] == (None, None)
    assert f"**Test accuracy {tracked.summary['test_accuracy']:.3f}" in model.tags[NOTE]
    assert "(qubits: 3, layers: 1, ansatz: `ring`) that tells the classes 3, 8 of `digits` apart" in model.tags[NOTE]


def test_it_keeps_files_and_says_what_it_was(tracked: Tracked) -> None:
    files = {info.path for info in tracked.client.list_artifacts(tracked.run.info.run_id)}
    assert {"settings.yaml", "summary.json", "journal.jsonl", "circuits", "model", "figures"} <= files
    note = tracked.run.data.tags[NOTE]
    assert f"**Test accuracy {tracked.summary['test_accuracy']:.3f}**" in note
    assert "| scheduling | two_level |" in note and "attacks.fraction=0.25" in note


def test_the_experiment_opens_at_its_runs_and_the_run_says_where_its_page_is(tracked: Tracked) -> None:
    experiment = tracked.client.get_experiment(tracked.run.info.experiment_id)
    assert experiment.tags["mlflow.experimentKind"] == "custom_model_development"
    place = f"experiments/{experiment.experiment_id}/runs/{tracked.run.info.run_id}"
    page = f"http://127.0.0.1:5000/#/{place}?workflowType=machine_learning"
    assert f"MLflow: {page} while `ceas-ui` runs" in tracked.said


@pytest.mark.slow
def test_sending_it_once_more_changes_nothing(tracked: Tracked) -> None:
    database = tracked.folder.parents[1] / "outputs" / "mlflow.db"
    tables = (
        "runs",
        "metrics",
        "latest_metrics",
        "params",
        "inputs",
        "logged_models",
        "logged_model_metrics",
        "logged_model_params",
        "datasets",
    )

    def counts() -> list[int]:
        with sqlite3.connect(database) as connection:
            return [connection.execute(f"select count(*) from {table}").fetchone()[0] for table in tables]

    before = counts()
    assert sync([str(tracked.folder)]) == 0
    assert counts() == before
    again = tracked.client.get_run(tracked.run.info.run_id)
    assert (again.info.start_time, again.info.end_time) == (tracked.run.info.start_time, tracked.run.info.end_time)
    assert again.data.metrics == tracked.run.data.metrics
