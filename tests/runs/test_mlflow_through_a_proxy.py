"""Whatever happens on the way to an MLflow server, it has everything of a run, once, when the run has been synced."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ceas_ray.cli.run import main
from ceas_ray.cli.sync import main as sync
from ceas_ray.runs.folder import journal_of, read_settings
from ceas_ray.runs.mlflow_content import end_of, head_of, round_of
from ceas_ray.tracking.files import first_event, last_event, read_json
from tests.small_worlds import SMALL
from tests.tracking.faulty_proxy import FaultyProxy, faulty_proxy
from tests.tracking.mlflow_server import mlflow_server

pytestmark = pytest.mark.slow
SEEDS = 3
"""`--seeds 50 --first-seed N` takes more of them, and others."""
WORDS = [*(word for word in SMALL if word != "tracking=folder"), "tracking=mlflow", "training.rounds=30"]
PATIENCE = "MLFLOW_HTTP_REQUEST_TIMEOUT"


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[FaultyProxy, str]]:
    """A proxy before an MLflow server, and its URI."""
    with mlflow_server(tmp_path_factory.mktemp("server")) as port, faulty_proxy(port) as made:
        yield made


def require_everything_once(uri: str, experiment: str, folder: Path, place: Path) -> None:
    """Compare params, points of metrics, tags, files and models in MLflow with the folder of the run."""
    from mlflow import MlflowClient

    client = MlflowClient(uri)
    config, lines = read_settings(folder, "folder"), journal_of(folder, "folder")
    head = head_of(config, folder, first_event(lines, "started"))
    end = end_of(config, folder, read_json(folder / "summary.json"), last_event(lines, "ended")["time"])
    number = client.get_experiment_by_name(experiment).experiment_id
    (run,) = client.search_runs([number])
    run_id = run.info.run_id
    assert run.info.status == end.status
    assert run.data.params == head.params
    assert dict(run.data.tags).items() >= {**head.tags, **end.tags}.items()
    rounds = [round_of(line) for line in lines if line["event"] == "round"]
    points = [(name, one.step, value) for one in rounds for name, value in one.metrics.items()]
    points += [(name, end.step, value) for name, value in end.metrics.items()]
    found = [(name, point.step, point.value) for name in run.data.metrics for point in history(client, run_id, name)]
    assert sorted(found) == sorted(points)
    for path, name in end.files:
        kept = client.download_artifacts(run_id, f"{name}/{path.name}" if name else path.name, str(place))
        assert Path(kept).read_bytes() == path.read_bytes()
    (model,) = client.search_logged_models([number])
    assert [output.model_id for output in run.outputs.model_outputs] == [model.model_id]
    assert model.status == "READY"


def history(client: Any, run_id: str, name: str) -> list[Any]:
    return list(client.get_metric_history(run_id, name))


def test_after_a_sync_everything_is_there_once(
    fault_seed: int, proxy: tuple[FaultyProxy, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    faulty, uri = proxy
    folder, generator, experiment = tmp_path / "run", random.Random(fault_seed), f"pattern {fault_seed}"
    monkeypatch.setattr("ceas_ray.runs.mlflow_process._FIRST_SECONDS", 3.0)
    monkeypatch.setenv(PATIENCE, "1")
    faulty.misbehave(fault_seed, generator.choice((0.01, 0.03, 0.1, 0.3)))
    words = [f"tracking.uri={uri}", f"tracking.experiment_name='{experiment}'", f"seed={fault_seed}"]
    assert main([*WORDS, *words, f"output={folder}"]) == 0
    faulty.misbehave(generator.randrange(10**6), generator.choice((0.01, 0.03, 0.1)))
    assert sync(["--uri", uri, str(folder)]) in (0, 1)
    faulty.behave()
    monkeypatch.setenv(PATIENCE, "30")
    assert sync(["--uri", uri, str(folder)]) == 0
    require_everything_once(uri, experiment, folder, tmp_path)
    assert sync(["--uri", uri, str(folder)]) == 0
    require_everything_once(uri, experiment, folder, tmp_path)
