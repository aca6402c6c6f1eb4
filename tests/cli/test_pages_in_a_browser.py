"""MLflow's pages of our runs, and our reports, as a browser shows them."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from ceas_ray.cli.report import main as report
from ceas_ray.cli.run import main
from ceas_ray.tracking.database_uri import sqlite_uri
from ceas_ray.tracking.mlflow_pages import compare_page, run_page, runs_page
from tests.browser import Browser, browser, needs_chromium
from tests.small_worlds import SMALL

pytestmark = [pytest.mark.slow, needs_chromium]

COLUMNS = ("test_accuracy", "bell_pair_utilization", "demand_on_time", "simulated_seconds")
_OF_MLFLOW = ("/mlflow/users/current", "ResizeObserver loop")
"""What MLflow's own pages complain of, whatever they show."""


@dataclass(frozen=True)
class Recorded:
    """Two runs, with their summaries, and the server that shows the store that they and a sweep are in."""

    folders: tuple[Path, Path]
    summaries: tuple[dict[str, object], dict[str, object]]
    server: str
    store: str

    @property
    def run_ids(self) -> list[str]:
        return [str(summary["mlflow_run_id"]) for summary in self.summaries]


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Recorded]:
    place = tmp_path_factory.mktemp("recorded")
    words = [word for word in SMALL if not word.startswith("tracking")]
    with pytest.MonkeyPatch.context() as patched:
        patched.chdir(place)
        for choice in ("mdp", "oblivious"):
            assert main([*words, "tracking=mlflow", f"scheduling={choice}", f"output=outputs/{choice}"]) == 0
        assert main(["-m", *words, "tracking=mlflow", "seed=4,5", "output=outputs/sweep"]) == 0
    folders = (place / "outputs" / "mdp", place / "outputs" / "oblivious")
    first, second = (json.loads((folder / "summary.json").read_text()) for folder in folders)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "ceas_ray.cli.ui", "--port", str(port)]
    server = subprocess.Popen(command, cwd=place, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert server.stdout is not None
    assert any("Application startup complete" in line for line in server.stdout)
    yield Recorded(folders, (first, second), f"http://127.0.0.1:{port}", sqlite_uri(place / "outputs" / "mlflow.db"))
    server.terminate()
    server.communicate()


@pytest.fixture(scope="module")
def tab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with browser(tmp_path_factory.mktemp("browser")) as opened:
        yield opened


def ours(errors: list[str]) -> list[str]:
    return [error for error in errors if not any(known in error for known in _OF_MLFLOW)]


def test_the_table_of_runs_has_our_columns_and_names(recorded: Recorded, tab: Browser, tmp_path: Path) -> None:
    names = ("mdp seed 1", "oblivious seed 1")
    shown = tab.open(runs_page(recorded.server, recorded.store), [*COLUMNS, *names], tmp_path / "runs.png")
    assert ours(shown.errors) == []
    for summary in recorded.summaries:
        assert str(summary["bell_pair_utilization"])[:6] in shown.text


def test_the_runs_of_a_sweep_stand_in_the_table_beside_the_others(recorded: Recorded, tab: Browser) -> None:
    names = ("mdp seed 1", "seed 4", "seed 5")
    tab.open(runs_page(recorded.server, recorded.store), [*COLUMNS, *names])


def test_two_runs_are_compared(recorded: Recorded, tab: Browser, tmp_path: Path) -> None:
    address = compare_page(recorded.server, "1", recorded.run_ids)
    shown = tab.open(address, ["Comparing 2 Runs", "bell_pair_utilization", "oblivious"], tmp_path / "compare.png")
    assert ours(shown.errors) == []
    assert all(run_id in shown.text for run_id in recorded.run_ids)
    assert "quiet" not in shown.text


def test_a_run_and_its_model_have_pages(recorded: Recorded, tab: Browser, tmp_path: Path) -> None:
    from mlflow import MlflowClient

    accuracy = f"Test accuracy {recorded.summaries[0]['test_accuracy']:.3f}"
    page = run_page(recorded.server, "1", recorded.run_ids[0])
    shown = tab.open(page, [accuracy, "Metrics (", "round/utilization"], tmp_path / "run.png")
    assert ours(shown.errors) == []
    models = MlflowClient(recorded.store).search_logged_models(experiment_ids=["1"])
    (model,) = [model for model in models if model.source_run_id == recorded.run_ids[0]]
    page = f"{recorded.server}/#/experiments/1/models/{model.model_id}?workflowType=machine_learning"
    said = (model.name, model.model_id, accuracy, "digits (#", "training.layers", "bell_pairs.generated")
    shown = tab.open(page, said, tmp_path / "model.png")
    assert ours(shown.errors) == []


def test_a_report_draws_all_of_its_charts(recorded: Recorded, tab: Browser, tmp_path: Path) -> None:
    assert report([*map(str, recorded.folders), "--output", str(tmp_path)]) == 0
    shown = tab.open((tmp_path / "report.html").as_uri(), ["mdp", "oblivious"], tmp_path / "report.png")
    assert shown.errors == []
    charts = "[...document.querySelectorAll('.plotly-graph-div')]"
    assert tab.evaluate(f"{charts}.length") > 5
    assert tab.evaluate(f"{charts}.every(chart => chart.querySelector('.main-svg'))")
