"""MLflow gets every value of a run once, however often the run is sent."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from math import inf
from pathlib import Path

import pytest

from ceas_ray.tracking.logged_model import log_model
from ceas_ray.tracking.mlflow_tracker import MlflowTracker
from ceas_ray.tracking.tracked_run import RunEnd, RunHead, TrackedRound
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


@pytest.mark.parametrize("lost", ["create_logged_model", "log_model_artifacts", "finalize_logged_model", "log_outputs"])
def test_a_model_is_there_once_whichever_answer_was_lost(
    lost: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mlflow import MlflowClient

    client = MlflowClient(f"sqlite:///{tmp_path}/mlflow.db")
    (tmp_path / DESCRIPTION).write_text("{}")
    (tmp_path / PARAMETERS).write_bytes(b"parameters")
    run_id = client.create_run(client.create_experiment("models", f"file://{tmp_path}/files")).info.run_id
    call = getattr(MlflowClient, lost)

    def lose(*words: object, **named: object) -> None:
        call(*words, **named)
        raise ConnectionError("the answer is lost")

    with monkeypatch.context() as patch:
        patch.setattr(MlflowClient, lost, lose)
        for _ in range(2):
            with suppress(ConnectionError):
                log_model(client, run_id, tmp_path, 3)
    log_model(client, run_id, tmp_path, 3)
    run = client.get_run(run_id)
    (model,) = client.search_logged_models([run.info.experiment_id])
    assert model.status == "READY"
    assert [(output.model_id, output.step) for output in run.outputs.model_outputs] == [(model.model_id, 3)]
