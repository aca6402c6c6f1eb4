from __future__ import annotations

import socket
import time
from pathlib import Path

import pytest

from ceas_ray.tracking.mlflow_tracker import MlflowTracker
from ceas_ray.tracking.tracked_run import RunEnd, RunHead, TrackedRound


@pytest.mark.slow
@pytest.mark.parametrize("named", [False, True])
def test_a_database_keeps_its_artifacts_beside_it_wherever_the_run_was_started(
    named: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs, elsewhere = tmp_path / "runs", tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    base = tmp_path / "base" if named else runs
    warnings: list[str] = []
    tracker = MlflowTracker(f"sqlite:///{base}/my.db" if named else None, runs, "tried", warnings.append)
    summary = tmp_path / "summary.json"
    summary.write_text("{}")
    tracker.start(RunHead(name="one", params={"seed": "1"}, tags={}, began=1.0))
    tracker.finish(RunEnd(status="FINISHED", tags={}, metrics={}, step=0, ended=2.0, files=[(summary, "")]))
    tracker.settle()
    assert warnings == []
    assert [path.name for path in (base / "mlflow_artifacts").rglob("summary.json")] == ["summary.json"]
    assert list(elsewhere.iterdir()) == []


def test_a_database_that_cannot_be_opened_is_one_line_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mlflow.db").write_text("of something else" * 100)
    monkeypatch.setattr(time, "sleep", lambda seconds: pytest.fail("it was tried again"))
    warnings: list[str] = []
    tracker = MlflowTracker(None, tmp_path, "tried", warnings.append)
    tracker.start(RunHead(name="one", params={}, tags={}, began=1.0))
    tracker.settle()
    assert [line.partition("missing): ")[2] for line in warnings] == [
        "[Errno 5] the database cannot be opened: file is not a database"
    ]


def test_a_server_that_does_not_answer_is_given_up_in_one_line(tmp_path: Path) -> None:
    warnings: list[str] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        tracker = MlflowTracker(f"http://127.0.0.1:{server.getsockname()[1]}", tmp_path, "tried", warnings.append)
        tracker.start(RunHead(name="one", params={}, tags={}, began=1.0))
        tracker.log_rounds([TrackedRound(step=0, ended=1.0, metrics={"loss": 0.5})])
        tracker.settle(0.1)
        tracker.finish(RunEnd(status="FINISHED", tags={}, metrics={}, step=0, ended=2.0))
        tracker.settle(3600)
    assert tracker.failed and tracker.run_id is None
    assert len(warnings) == 1 and warnings[0].endswith("it did not take everything within 0.1 s")
