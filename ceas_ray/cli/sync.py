"""The command `ceas-sync FOLDER...`: sends to MLflow what is missing there of runs, from their folders."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ceas_ray.config.errors import SettingsError
from ceas_ray.runs.folder import MLFLOW_STATUS, flat, journal_of, metrics_of, read_settings
from ceas_ray.runs.tracking_choice import checked_uri
from ceas_ray.runtime.interruption import answered
from ceas_ray.tracking.files import Journal, write_json
from ceas_ray.tracking.mlflow_tracker import MlflowTracker

USAGE = """usage: ceas-sync [--uri URI] FOLDER...
  sends what MLflow does not have yet of the runs in these folders: settings, rounds, summary, model
  --uri: the server; without it the one of each run's settings (mlflow.db beside the folder if they name none)
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Sync all folders; returns 0, 1 if MLflow took not all, 2 for a folder without a run."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    uri = None
    if words[:1] == ["--uri"] and len(words) > 1:
        uri, words = words[1], words[2:]
    if not words or words[0].startswith("-"):
        print(USAGE, end="", file=sys.stdout if words[:1] in (["-h"], ["--help"]) else sys.stderr)
        return 0 if words[:1] in (["-h"], ["--help"]) else 2
    return answered(lambda _: _synced_all(words, uri))


def _synced_all(words: Sequence[str], uri: str | None) -> int:
    code = 0
    for word in words:
        try:
            code = max(code, synced(Path(word).absolute(), uri))
        except (SettingsError, BlockingIOError) as error:
            running = f"{word}: the run goes on at this moment; sync it when it has ended"
            print(error if isinstance(error, SettingsError) else running, file=sys.stderr)
            code = 2
    return code


def synced(folder: Path, uri: str | None) -> int:
    """Send what MLflow lacks of the run in `folder`; returns 0, or 1 if that failed (one line says why)."""
    config, lines = read_settings(folder, "folder"), journal_of(folder, "folder")
    choice = config.get("tracking")
    tracking: dict[str, Any] = choice if isinstance(choice, dict) else {}
    key = "tracking.uri" if uri is None else "--uri"
    uri = tracking.get("uri") if uri is None else uri
    if not isinstance(uri, str | None):
        raise SettingsError(key, "a text", uri)
    experiment = str(tracking.get("experiment_name", "ceas_ray"))

    def warn(line: str) -> None:
        print(f"{folder}: {line}", file=sys.stderr)

    tracker = MlflowTracker(checked_uri(uri, key), folder.parent, experiment, warn)
    begun = next((line for line in lines[::-1] if line["event"] == "mlflow" and _is_of(tracker, line)), None)
    if begun is None:
        started = next((line for line in lines if line["event"] == "started"), {})
        tags = {"git_commit": str(started.get("git_commit")), "settings_hash": str(started.get("settings_hash"))}
        journal = Journal(folder / "journal.jsonl", print)
        tracker.start(folder.name, flat(config), tags)
        if tracker.run_id is not None:
            journal.append("mlflow", {"run_id": tracker.run_id, "uri": tracker.uri})
        journal.close()
    else:
        tracker.go_on(str(begun["run_id"]))
    tracker.log_rounds([(line["round"], metrics_of(line)) for line in lines if line["event"] == "round"])
    _finish(tracker, folder)
    if not tracker.failed:
        print(f"{folder}: in MLflow at {tracker.uri} as {tracker.run_id}")
    return int(tracker.failed)


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
    files = [folder / name for name in ("settings.yaml", "summary.json", "model.npz")]
    tracker.finish(status, tags, [file for file in files if file.exists()])


if __name__ == "__main__":
    sys.exit(main())
