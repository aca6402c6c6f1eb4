"""The MLflow run of a study."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from ceas_ray.config.schema import TrackingSettings
from ceas_ray.runs.tracking_choice import default_store
from ceas_ray.tracking.tracked_run import RunEnd, RunHead


def track_study(
    tracking: TrackingSettings, folder: Path, parameters: Mapping[str, Any], metrics: Mapping[str, float], *,
    files: Sequence[Path],
) -> str | None:  # fmt: skip
    """Send a finished study to MLflow. Return the id of its run there, or None where nothing is tracked.

    parameters: of the run, `study` (its name) among them. metrics: by name. files: artifacts.
    """
    if not tracking.mlflow:
        return None
    from ceas_ray.tracking.mlflow_tracker import MlflowTracker

    warn = Console(stderr=True).print
    tracker = MlflowTracker(tracking.uri, default_store(), tracking.experiment_name, warn)
    params, now = {name: str(value) for name, value in parameters.items()}, time.time()
    tracker.start(RunHead(name=folder.name, params=params, tags={"study": params["study"]}, began=now))
    artifacts = [(path, "") for path in files]
    tracker.finish(RunEnd(status="FINISHED", tags={}, metrics=metrics, step=0, ended=now, files=artifacts))
    tracker.settle()
    return tracker.run_id
