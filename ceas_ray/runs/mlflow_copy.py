"""Sending to MLflow what it lacks of a run, from the run's folder."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from math import inf
from pathlib import Path
from typing import Any

from ceas_ray.config.errors import SettingsError, UnusableSettings, reason_of
from ceas_ray.runs.confirmed_places import URI, is_here, unconfirmed
from ceas_ray.runs.folder import SWEEP_JOURNAL, held, journal_of, opened_journal, read_settings
from ceas_ray.runs.mlflow_content import PARENT, end_of, head_of, round_of
from ceas_ray.runs.tracking_choice import checked_uri, default_store
from ceas_ray.tracking.database_uri import sqlite_file
from ceas_ray.tracking.files import first_event, last_event, read_journal, read_json, write_json
from ceas_ray.tracking.locks import HeldLock
from ceas_ray.tracking.mlflow_tracker import MlflowTracker
from ceas_ray.tracking.plain_files import require_plain
from ceas_ray.tracking.tracking_uri import DATABASE

_PATIENCE_SECONDS = 60.0
"""How long MLflow may be silent before sending is given up."""


def copy_to_mlflow(folder: Path, uri: str | None, warn: Callable[[str], None]) -> MlflowTracker:
    """Send what MLflow lacks of the run in `folder`; return the tracker that sent it, which knows whether that failed.

    uri: None for the place that the run's settings name. warn: hears of a failure. Raises SettingsError for a folder
    without a whole run or that cannot be written to, and while the run goes on.
    """
    read_settings(folder, "folder")  # refuses a folder without a run before anything is made there
    with held(folder, "folder") as lock:
        try:
            return _copied(lock, uri, warn)
        except SettingsError:
            raise
        except OSError as error:
            raise UnusableSettings("folder", f"{folder} cannot be sent: {reason_of(error)}") from None
        except Exception as error:  # files of runs are untrusted: a value of another type may surface anywhere
            what = " ".join(f"{type(error).__name__}: {error}".split())[:200]
            raise UnusableSettings("folder", f"the files in {folder} hold what no run writes ({what})") from None


def _copied(lock: HeldLock, uri: str | None, warn: Callable[[str], None]) -> MlflowTracker:
    folder = lock.folder
    config, lines = read_settings(folder, "folder"), journal_of(folder, "folder")
    choice = config.get("tracking")
    tracking: dict[str, Any] = choice if isinstance(choice, dict) else {}
    key = URI if uri is None else "--uri"
    if uri is None:
        uri = tracking.get("uri")
        if not is_here(uri) and os.environ.get("MLFLOW_TRACKING_URI") != uri:
            raise unconfirmed(folder, URI, uri, f"--uri {uri}")
    if not isinstance(uri, str | None):
        raise SettingsError(key, "a text", uri)
    experiment = str(tracking.get("experiment_name", "ceas_ray"))
    tracker = tracker_of(folder, checked_uri(uri, key), experiment, lambda line: warn(f"{folder}: {line}"))
    _begin(tracker, lock, config, lines)
    tracker.log_rounds([round_of(line) for line in lines if line["event"] == "round"])
    _finish(tracker, config, folder, last_event(lines, "ended").get("time", 0.0))
    tracker.settle(inf, silence=_PATIENCE_SECONDS)
    return tracker


def tracker_of(
    folder: Path, uri: str | None, experiment: str, warn: Callable[[str], None],
    *, heard: Callable[[], None] = lambda: None,
) -> MlflowTracker:  # fmt: skip
    """Return the tracker that sends the run in `folder` to MLflow. uri: None for the database that has it.

    A database that was found beside the run may be somebody else's: files are kept in its own folder alone.
    """
    if uri is not None:
        return MlflowTracker(uri, folder, experiment, warn, heard=heard)
    store = store_of(folder)
    found = None if store == default_store() else store
    return MlflowTracker(None, store, experiment, warn, heard=heard, files_within=found)


def store_of(folder: Path) -> Path:
    """Return the folder of the database for the run in `folder`, where its settings name no other place.

    A run stays in the database that has it: one above its folder, if both were moved, or else the one in its journal.
    """
    begun = last_event(journal_of(folder, "folder"), "mlflow")
    noted = sqlite_file(str(begun.get("uri", "")))
    places = [*folder.absolute().parents, *([] if noted is None else [noted.parent])]
    for place in places if begun else []:
        if (place / DATABASE).exists() and MlflowTracker(None, place, "", print).holds(str(begun.get("run_id"))):
            return place
    return default_store()


def _begin(
    tracker: MlflowTracker, lock: HeldLock, config: Mapping[str, Any], lines: Sequence[Mapping[str, Any]]
) -> None:
    """Find the MLflow run, or make it, and note it in the journal."""
    started, begun = first_event(lines, "started"), _begun_at(tracker, lines)
    head = head_of(config, lock.folder, started)
    head = replace(head, tags={**_tags_of_sweep(lock.folder, tracker), **head.tags})
    tracker.start(head, started.get("run"), begun.get("run_id"))
    tracker.settle(inf, silence=_PATIENCE_SECONDS)
    if tracker.run_id is not None and tracker.run_id != begun.get("run_id"):
        journal = opened_journal(lock, "folder", print)
        journal.append("mlflow", {"time": time.time(), "run_id": tracker.run_id, "uri": tracker.uri})
        journal.close()


def sweep_run(folder: Path, tracker: MlflowTracker) -> str | None:
    """Return the MLflow run of the sweep in `folder` where the tracker sends to; None if it has none there.

    Raises SettingsError for a journal that no sweep wrote.
    """
    path = folder / SWEEP_JOURNAL
    try:
        lines = read_journal(path)
    except (OSError, ValueError) as error:
        raise UnusableSettings("folder", f"{path} cannot be read: {reason_of(error)}") from None
    run_id = _begun_at(tracker, lines).get("run_id")
    return None if run_id is None else str(run_id)


def _tags_of_sweep(folder: Path, tracker: MlflowTracker) -> dict[str, str]:
    """Return what tells the run of a sweep's job from others; nothing for a run that is no job of a sweep."""
    sweep = next((place for place in folder.parents if (place / SWEEP_JOURNAL).exists()), None)
    if sweep is None:
        return {}
    parent = sweep_run(sweep, tracker)
    tags = {"sweep": sweep.name, "sweep_job": folder.relative_to(sweep).as_posix()}
    return tags if parent is None else tags | {PARENT: parent}


def _begun_at(tracker: MlflowTracker, lines: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """Return the last line of a journal that names an MLflow run in the tracker's place, moved or not; or nothing."""
    begun = [line for line in lines if line["event"] == "mlflow"]
    here = (line for line in begun[::-1] if line.get("uri") == tracker.uri or tracker.holds(str(line.get("run_id"))))
    return next(here, {})


def _finish(tracker: MlflowTracker, config: Mapping[str, Any], folder: Path, ended: float) -> None:
    path = folder / "summary.json"
    if not path.exists():
        return
    try:
        summary = read_json(path)
        end = end_of(config, folder, summary, ended)
        for file, _ in end.files:
            require_plain(file)
    except (OSError, ValueError, KeyError, TypeError):
        raise SettingsError("folder", "one with a whole summary.json", str(folder)) from None
    if not tracker.failed and summary.get("mlflow_run_id") != tracker.run_id:
        write_json(path, summary | {"mlflow_run_id": tracker.run_id})
    tracker.finish(end)
