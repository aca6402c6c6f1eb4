"""What the jobs of a sweep share, and what each of them has for itself."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any


def as_job_of_sweep(config: Mapping[str, Any], number: int, folder: Path) -> dict[str, Any]:
    """Return the configuration of job `number` of the sweep in `folder`.

    Each job has a snapshot folder of its own; all of them, and other runs beside the sweep, have one MLflow database.
    """
    runtime, tracking = config["runtime"], config["tracking"]
    if isinstance(runtime["snapshot_folder"], str):
        runtime = runtime | {"snapshot_folder": f"{runtime['snapshot_folder'].rstrip('/')}_{number}"}
    if tracking["uri"] is None:
        from ceas_ray.tracking.database_uri import sqlite_uri  # here, because SQLAlchemy takes long to import

        tracking = tracking | {"uri": sqlite_uri(folder.absolute().parent / "mlflow.db")}
    return dict(config) | {"runtime": runtime, "tracking": tracking}
