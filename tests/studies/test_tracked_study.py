"""A study is one run in MLflow, with its metrics and files; without MLflow it is none."""

from __future__ import annotations

from pathlib import Path

import pytest

from ceas_ray.config.schema import TrackingSettings
from ceas_ray.studies.tracked_study import track_study


def tracking(mlflow: bool, uri: str | None = None) -> TrackingSettings:
    return TrackingSettings(mlflow=mlflow, uri=uri, experiment_name="studies", run_id=None, parent_run_id=None)


def test_a_study_that_is_not_tracked_has_no_run(tmp_path: Path) -> None:
    assert track_study(tracking(False), tmp_path, {"study": "rules"}, {}, files=[]) is None


@pytest.mark.slow
def test_a_study_is_a_finished_run_with_its_parameters_metrics_and_files(tmp_path: Path) -> None:
    from mlflow.tracking import MlflowClient

    uri, folder = f"sqlite:///{tmp_path}/runs.db", tmp_path / "rules_quick"
    folder.mkdir()
    (folder / "runs.csv").write_text("arm\n")
    run_id = track_study(
        tracking(True, uri), folder, {"study": "rules", "form": "quick"}, {"worst": 0.5}, files=[folder / "runs.csv"]
    )
    assert run_id is not None
    run = MlflowClient(uri).get_run(run_id)
    assert (run.info.run_name, run.info.status) == ("rules_quick", "FINISHED")
    assert run.data.params == {"study": "rules", "form": "quick"}
    assert run.data.metrics == {"worst": 0.5}
    assert run.data.tags["study"] == "rules"
    assert [file.path for file in MlflowClient(uri).list_artifacts(run_id)] == ["runs.csv"]
