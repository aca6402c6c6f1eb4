from __future__ import annotations

from pathlib import Path

import pytest

from ceas_ray.tracking.mlflow_tracker import MlflowTracker
from ceas_ray.tracking.tracked_run import RunEnd, RunHead


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
    tracker.start(RunHead(name="one", params={"seed": "1"}, tags={}, began=1e9))
    tracker.finish(RunEnd(status="FINISHED", tags={}, metrics={}, step=0, ended=1e9 + 1, files=[(summary, "")]))
    assert warnings == []
    assert [path.name for path in (base / "mlflow_artifacts").rglob("summary.json")] == ["summary.json"]
    assert list(elsewhere.iterdir()) == []
