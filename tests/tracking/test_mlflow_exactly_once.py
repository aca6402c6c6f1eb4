"""Whatever happens on the way to an MLflow server, it has every value of a run once when the run has been synced."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ceas_ray.tracking.mlflow_tracker import MlflowTracker
from ceas_ray.tracking.tracked_run import RunEnd, RunHead, TrackedRound
from tests.tracking.faulty_proxy import FAULTS, FaultyProxy, faulty_proxy

pytestmark = pytest.mark.slow
SEEDS, SHARE = 8, 0.25
SERVER = """
import logging, sys
logging.getLogger("werkzeug").setLevel(logging.ERROR)
from werkzeug.serving import make_server
from mlflow.server import app
server = make_server("127.0.0.1", 0, app, threaded=True)
print(server.server_port, flush=True)
server.serve_forever()
"""
PARAMS = {f"group.key{number}": str(number) for number in range(150)}
ROUNDS = [
    TrackedRound(step=step, ended=1000.0 + step, metrics={f"metric{name}": step + name / 7 for name in range(5)})
    for step in range(40)
]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of an MLflow server."""
    place = tmp_path_factory.mktemp("server")
    settings = {
        "_MLFLOW_SERVER_FILE_STORE": f"sqlite:///{place}/server.db", "_MLFLOW_SERVER_SERVE_ARTIFACTS": "true",
        "_MLFLOW_SERVER_ARTIFACT_ROOT": "mlflow-artifacts:/", "_MLFLOW_SERVER_ARTIFACT_DESTINATION": f"{place}/files",
        "MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SERVER_DISABLE_SECURITY_MIDDLEWARE": "true",
    }  # fmt: skip
    process = subprocess.Popen(
        [sys.executable, "-c", SERVER], env=os.environ | settings, stdout=subprocess.PIPE, text=True, cwd=place
    )
    assert process.stdout is not None
    yield int(process.stdout.readline())
    process.kill()
    process.communicate()


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
    tracker.settle(60, patient=True)
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


def test_after_a_sync_every_value_is_there_once_whatever_was_lost_late_or_doubled(
    proxy: tuple[FaultyProxy, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    faulty, uri = proxy
    files = [(tmp_path / "summary.json", ""), (tmp_path / "model.qasm", "circuits")]
    for path, _ in files:
        path.write_text(path.name * 1000)
    met: set[str] = set()
    for seed in range(SEEDS):
        faulty.misbehave(seed, SHARE)
        monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "1")
        sent(uri, f"pattern {seed}", files)
        met |= set(faulty.met)
        faulty.behave()
        monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "30")
        tracker = sent(uri, f"pattern {seed}", files)
        assert not tracker.failed
        require_each_value_once(uri, f"pattern {seed}", tracker.run_id, files)
    assert met >= {*FAULTS}


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
