"""Sending to MLflow what it lacks of a run, from the run's folder."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ceas_ray.config.errors import SettingsError
from ceas_ray.runs.folder import (
    ARTIFACTS,
    MLFLOW_STATUS,
    flat,
    held,
    journal_of,
    metrics_of,
    opened_journal,
    read_settings,
)
from ceas_ray.runs.tracking_choice import checked_uri
from ceas_ray.tracking.files import write_json
from ceas_ray.tracking.locks import HeldLock
from ceas_ray.tracking.mlflow_tracker import MlflowTracker


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
    begun = next((line for line in lines[::-1] if line["event"] == "mlflow" and _is_of(tracker, line)), None)
    if begun is None:
        _start(tracker, lock, config, next((line for line in lines if line["event"] == "started"), {}))
    else:
        tracker.go_on(str(begun["run_id"]))
    tracker.log_rounds([(line["round"], metrics_of(line)) for line in lines if line["event"] == "round"])
    _finish(tracker, folder)
    return tracker


def _start(tracker: MlflowTracker, lock: HeldLock, config: Mapping[str, Any], started: Mapping[str, Any]) -> None:
    tags = {"git_commit": str(started.get("git_commit")), "settings_hash": str(started.get("settings_hash"))}
    parent = (config.get("tracking") or {}).get("parent_run_id")
    journal = opened_journal(lock, "folder", print)
    tracker.start(
        lock.folder.name, flat(config), tags if parent is None else tags | {"mlflow.parentRunId": str(parent)}
    )
    if tracker.run_id is not None:
        journal.append("mlflow", {"run_id": tracker.run_id, "uri": tracker.uri})
    journal.close()


def _is_of(tracker: MlflowTracker, line: Mapping[str, Any]) -> bool:
    """Return whether the run that this line of a journal names is in the tracker's place, moved or not."""
    return line.get("uri") == tracker.uri or tracker.holds(str(line.get("run_id")))


def _finish(tracker: MlflowTracker, folder: Path) -> None:
    path = folder / "summary.json"
    if not path.exists():
        return
    try:
        summary = json.loads(path.read_text(encoding="utf-8"))
        status, tags = MLFLOW_STATUS[summary["status"]], {"trace_digest": summary["trace_digest"]}
    except (OSError, ValueError, KeyError, TypeError):
        raise SettingsError("folder", "one with a whole summary.json", str(folder)) from None
    if not tracker.failed and summary.get("mlflow_run_id") != tracker.run_id:
        write_json(path, summary | {"mlflow_run_id": tracker.run_id})
    files = [folder / name for name in ARTIFACTS]
    tracker.finish(status, tags, [file for file in files if file.exists()])
