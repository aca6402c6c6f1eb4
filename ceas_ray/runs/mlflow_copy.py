"""Sending to MLflow what it lacks of a run, from the run's folder."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ceas_ray.config.errors import SettingsError
from ceas_ray.runs.folder import (
    end_of,
    held,
    journal_of,
    opened_journal,
    params_of,
    read_settings,
    round_of,
)
from ceas_ray.runs.tracking_choice import checked_uri
from ceas_ray.tracking.files import write_json
from ceas_ray.tracking.locks import HeldLock
from ceas_ray.tracking.mlflow_tracker import MlflowTracker
from ceas_ray.tracking.tracked_run import RunHead

_PATIENCE_SECONDS = 60.0
"""How long MLflow may be silent before sending is given up."""


def copy_to_mlflow(folder: Path, uri: str | None, warn: Callable[[str], None]) -> MlflowTracker:
    """Send what MLflow lacks of the run in `folder`; return what it was sent with, which knows whether that failed.

    uri: None for the place that the run's settings name. warn: hears of a failure. Raises SettingsError for a folder
    without a run, and while the run goes on.
    """
    read_settings(folder, "folder")  # refuses a folder without a run before anything is made there
    with held(folder, "folder") as lock:
        return _copied(lock, uri, warn)


def _copied(lock: HeldLock, uri: str | None, warn: Callable[[str], None]) -> MlflowTracker:
    folder = lock.folder
    config, lines = read_settings(folder, "folder"), journal_of(folder, "folder")
    choice = config.get("tracking")
    tracking: dict[str, Any] = choice if isinstance(choice, dict) else {}
    key = "tracking.uri" if uri is None else "--uri"
    uri = tracking.get("uri") if uri is None else uri
    if not isinstance(uri, str | None):
        raise SettingsError(key, "a text", uri)
    tracker = MlflowTracker(
        checked_uri(uri, key), folder.parent, str(tracking.get("experiment_name", "ceas_ray")),
        lambda line: warn(f"{folder}: {line}"),
    )  # fmt: skip
    _begin(tracker, lock, config, lines)
    tracker.log_rounds([round_of(line) for line in lines if line["event"] == "round"])
    _finish(tracker, folder, next((line.get("time", 0.0) for line in lines[::-1] if line["event"] == "ended"), 0.0))
    tracker.settle(_PATIENCE_SECONDS, patient=True)
    return tracker


def _begin(
    tracker: MlflowTracker, lock: HeldLock, config: Mapping[str, Any], lines: Sequence[Mapping[str, Any]]
) -> None:
    """Find the MLflow run, or make it and note it in the journal."""
    started: Mapping[str, Any] = next((line for line in lines if line["event"] == "started"), {})
    begun = next((line for line in lines[::-1] if line["event"] == "mlflow" and _is_of(tracker, line)), {})
    tags = {"git_commit": str(started.get("git_commit")), "settings_hash": str(started.get("settings_hash"))}
    parent = (config.get("tracking") or {}).get("parent_run_id")
    tags |= {} if parent is None else {"mlflow.parentRunId": str(parent)}
    head = RunHead(name=lock.folder.name, params=params_of(config), tags=tags, began=started.get("time", 0.0))
    tracker.start(head, started.get("run"), begun.get("run_id"))
    tracker.settle(_PATIENCE_SECONDS, patient=True)
    if tracker.run_id is not None and tracker.run_id != begun.get("run_id"):
        journal = opened_journal(lock, "folder", print)
        journal.append("mlflow", {"time": time.time(), "run_id": tracker.run_id, "uri": tracker.uri})
        journal.close()


def _is_of(tracker: MlflowTracker, line: Mapping[str, Any]) -> bool:
    """Return whether the run that this line of a journal names is in the tracker's place, moved or not."""
    return line.get("uri") == tracker.uri or tracker.holds(str(line.get("run_id")))


def _finish(tracker: MlflowTracker, folder: Path, ended: float) -> None:
    path = folder / "summary.json"
    if not path.exists():
        return
    try:
        summary = json.loads(path.read_text(encoding="utf-8"))
        end = end_of(folder, summary["status"], summary["trace_digest"], ended)
    except (OSError, ValueError, KeyError, TypeError):
        raise SettingsError("folder", "one with a whole summary.json", str(folder)) from None
    if not tracker.failed and summary.get("mlflow_run_id") != tracker.run_id:
        write_json(path, summary | {"mlflow_run_id": tracker.run_id})
    tracker.finish(end)
