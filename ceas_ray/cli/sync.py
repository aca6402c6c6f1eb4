"""The command `ceas-sync FOLDER...`: send MLflow what it lacks of runs, from their folders."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from ceas_ray.config.errors import SettingsError
from ceas_ray.runs.mlflow_copy import copy_to_mlflow
from ceas_ray.runtime.interruption import answered

USAGE = """usage: ceas-sync [--uri URI] FOLDER...
  sends what MLflow does not have yet of the runs in these folders: settings, rounds, summary, model
  --uri: the server; without it the database that has each run. A server that only a run's settings name is used
  once --uri or MLFLOW_TRACKING_URI names it too
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Sync all folders; return 0, 1 if MLflow did not take everything, 2 for a folder without a run."""
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
            code = max(code, _synced(Path(word).absolute(), uri))
        except SettingsError as error:
            print(error, file=sys.stderr)
            code = 2
    return code


def _synced(folder: Path, uri: str | None) -> int:
    """Send one run and print where it is; return 0, or 1 if that failed."""
    tracker = copy_to_mlflow(folder, uri, lambda line: print(line, file=sys.stderr))
    if not tracker.failed:
        print(f"{folder}: in MLflow at {tracker.uri} as {tracker.run_id}")
    return int(tracker.failed)


if __name__ == "__main__":
    sys.exit(main())
