"""MLflow gets every value of a run once, however often the run is sent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import inf
from pathlib import Path

import pytest

from ceas_ray.tracking.mlflow_pages import NOTE
from ceas_ray.tracking.mlflow_tracker import MlflowTracker
from ceas_ray.tracking.tracked_run import RunEnd, RunHead, TrackedModel, TrackedRound, UsedData
from ceas_ray.training.trained_model import DESCRIPTION, PARAMETERS
from tests.tracking.faulty_proxy import FaultyProxy, faulty_proxy
from tests.tracking.mlflow_server import mlflow_server

pytestmark = pytest.mark.slow
PARAMS = {f"group.key{number}": str(number) for number in range(150)}
ROUNDS = [
    TrackedRound(step=step, ended=1000.0 + step, metrics={f"metric{name}": step + name / 7 for name in range(5)})
    for step in range(40)
]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of an MLflow server."""
    with mlflow_server(tmp_path_factory.mktemp("server")) as port:
        yield port


@pytest.fixture(scope="module")
def proxy(server: int) -> Iterator[tuple[FaultyProxy, str]]:
    with faulty_proxy(server) as made:
        yield made


def sent(uri: str, experiment: str, files: list[tuple[Path, str]]) -> MlflowTracker:
    """Send a whole run, as a run and a sync do."""
    tracker = MlflowTracker(uri, Path(), experiment, lambda line: None)
    head = RunHead(name="a run", params=PARAMS, tags={"git_commit": "abc"}, began=1000.0)
    tracker.start(head, run=f"of-{experiment}")
    for at in range(0, len(ROUNDS), 10):
        tracker.log_rounds(ROUNDS[at : at + 10])
    metrics = {"accuracy": 0.875}
    tracker.finish(RunEnd(status="FINISHED", tags={"digest": "0f"}, metrics=metrics, step=40, ended=2e3, files=files))
    tracker.settle(inf, silence=60)
    return tracker


def require_each_value_once(uri: str, experiment: str, run_id: str | None, files: list[tuple[Path, str]]) -> None:
    from mlflow import MlflowClient

    client = MlflowClient(uri)
    (run,) = client.search_runs([client.get_experiment_by_name(experiment).experiment_id])
    assert run.info.run_id == run_id
    assert run.info.status == "FINISHED"
    assert run.data.params == PARAMS
    assert run.data.tags["git_commit"] == "abc" and run.data.tags["digest"] == "0f"
    for name in ROUNDS[0].metrics:
        history = sorted((point.step, point.value) for point in client.get_metric_history(run_id, name))
        assert history == [(one.step, one.metrics[name]) for one in ROUNDS]
    assert [point.value for point in client.get_metric_history(run_id, "accuracy")] == [0.875]
    kept = [file.path for place in ("", "circuits") for file in client.list_artifacts(run_id, place) if not file.is_dir]
    assert kept == [f"{place}/{path.name}" if place else path.name for path, place in files]


def test_a_sync_sends_nothing_that_is_there_and_a_file_that_has_changed(
    proxy: tuple[FaultyProxy, str], tmp_path: Path
) -> None:
    from mlflow import MlflowClient

    _, uri = proxy
    path = tmp_path / "summary.json"
    for content in ("first", "other", "other"):
        path.write_text(content)
        tracker = sent(uri, "again", [(path, "")])
        require_each_value_once(uri, "again", tracker.run_id, [(path, "")])
        (tmp_path / "kept").mkdir(exist_ok=True)
        kept = MlflowClient(uri).download_artifacts(tracker.run_id, path.name, str(tmp_path / "kept"))
        assert Path(kept).read_text() == content


DATA = UsedData(name="digits", digest="0a1b", source="ceas_ray:digits", profile={"train": 7})
METRICS = {"accuracy": 0.875, "pairs": 1000.0}


def sent_with_model(
    folder: Path, metrics: Mapping[str, float] = METRICS, params: Mapping[str, str] = PARAMS, ended: float = 1500.0
) -> MlflowTracker:
    """Send a run to the database in this folder, with the model there, which has these metrics and params."""
    (folder / DESCRIPTION).write_text("{}")
    (folder / PARAMETERS).write_bytes(b"parameters")
    model = TrackedModel(
        folder=folder, name="a model", params=params, metrics=metrics, on_data=["accuracy"], note="What it is."
    )
    tracker = MlflowTracker(None, folder, "models", lambda line: None)
    tracker.start(RunHead(name="a run", params={}, tags={}, began=1000.0, data=DATA), run="of-a-model")
    tracker.finish(RunEnd(status="FINISHED", tags={}, metrics=METRICS, step=3, ended=ended, model=model))
    tracker.settle(inf)
    return tracker


def require_model_once(tracker: MlflowTracker, place: Path) -> None:
    from mlflow import MlflowClient

    client = MlflowClient(tracker.uri)
    run = client.get_run(tracker.run_id)
    (model,) = client.search_logged_models([run.info.experiment_id])
    assert (model.name, model.status, model.params) == ("a model", "READY", PARAMS)
    assert model.tags[NOTE].startswith("What it is.") and model.model_id in model.tags[NOTE]
    assert [(output.model_id, output.step) for output in run.outputs.model_outputs] == [(model.model_id, 3)]
    points = {(one.key, one.step, one.value, one.dataset_name, one.dataset_digest) for one in model.metrics}
    assert points == {("accuracy", 3, 0.875, "digits", "0a1b"), ("pairs", 3, 1000.0, None, None)}
    assert len(model.metrics) == 2
    for name, value in METRICS.items():
        history = client.get_metric_history(tracker.run_id, name)
        assert [(one.step, one.value, one.timestamp) for one in history] == [(3, value, 1_500_000)]
    kept = Path(client.download_artifacts(tracker.run_id, f"model/data/{PARAMETERS}", str(place)))
    assert kept.read_bytes() == b"parameters"


@pytest.mark.parametrize("lost", [
    "create_logged_model", "log_model_params", "set_logged_model_tags", "log_batch", "log_artifact",
    "log_model_artifacts", "finalize_logged_model", "log_outputs",
])  # fmt: skip
def test_a_model_is_there_once_whichever_answer_was_lost(
    lost: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mlflow import MlflowClient

    if lost == "log_model_params":
        sent_with_model(tmp_path, params={})
    call = getattr(MlflowClient, lost)

    def lose(*words: object, **named: object) -> None:
        call(*words, **named)
        raise ConnectionError("the answer is lost")

    with monkeypatch.context() as patch:
        patch.setattr(MlflowClient, lost, lose)
        for _ in range(2):
            sent_with_model(tmp_path)
    for _ in range(2):
        tracker = sent_with_model(tmp_path)
        assert not tracker.failed
        require_model_once(tracker, tmp_path)


def test_a_model_that_was_sent_without_metrics_gets_them_and_its_run_does_not_once_more(tmp_path: Path) -> None:
    """As one from an older version was. The points of the run may have another time: that of an earlier attempt."""
    sent_with_model(tmp_path, metrics={}, params={})
    require_model_once(sent_with_model(tmp_path, ended=1700.0), tmp_path)
