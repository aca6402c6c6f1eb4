"""The MLflow run of a study."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from ceas_ray.config.schema import TrackingSettings


def track_study(
    tracking: TrackingSettings, folder: Path, parameters: Mapping[str, Any], metrics: Mapping[str, float], *,
    files: Sequence[Path],
) -> str | None:  # fmt: skip
    """Send a finished study to MLflow; return the id of its run there, or None where nothing is tracked.

    parameters: of the run, `study` (its name) among them. metrics: by name. files: artifacts.
    """
    if not tracking.mlflow:
        return None
    from ceas_ray.tracking.mlflow_tracker import MlflowTracker

    warn = Console(stderr=True).print
    tracker = MlflowTracker(tracking.uri, folder.parent, tracking.experiment_name, warn)
    tracker.start(folder.name, parameters, {"study": parameters["study"]})
    tracker.log_rounds([(0, dict(metrics))])
    tracker.finish("FINISHED", {}, list(files))
    return tracker.run_id
