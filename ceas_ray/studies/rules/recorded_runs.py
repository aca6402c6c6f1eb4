"""The table of all training runs of an experiment, `runs.csv`: written, and read in place of making the runs again."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ceas_ray.studies.headline.design import Run
from ceas_ray.studies.headline.training_runs import Result
from ceas_ray.tracking.files import write_whole

_COLUMNS = (
    "scenario", "seed", "arm", "attack", "strength", "learning_rate", "validation_accuracy", "validation_chance",
    "accuracy", "chance", "status", "trace_digest", "key",
)  # fmt: skip
_NUMBERS = ("accuracy", "chance", "strength", "learning_rate")
_PLACE = ("scenario", "arm", "attack", "strength", "learning_rate", "seed")


def write_runs(folder: Path) -> Path:
    """Write `runs.csv`, a row of each training run in the folder, also of an unfinished experiment; return its path.

    validation_accuracy: of runs that tune, which have a validation set. key: of the run's overrides (`Run.key`).
    """
    results = [json.loads(path.read_text()) | {"key": path.stem} for path in (folder / "runs").glob("*.json")]
    results.sort(key=lambda r: (r["validation_accuracy"] is None, *(r[name] for name in _COLUMNS[:6])))
    text = io.StringIO()
    rows = csv.DictWriter(text, _COLUMNS, extrasaction="ignore", lineterminator="\n")
    rows.writeheader()
    rows.writerows(results)
    write_whole(folder / "runs.csv", text.getvalue().encode())
    return folder / "runs.csv"


def read_runs(table: Path) -> list[Result]:
    """Return the results in a `runs.csv`. Raises ValueError for a file that is no such table."""
    try:
        with table.open(newline="") as lines:
            rows = csv.DictReader(lines)
            if tuple(rows.fieldnames or ()) != _COLUMNS:
                raise ValueError(f"its columns must be {','.join(_COLUMNS)}")
            return [_read(row) for row in rows]
    except (OSError, TypeError) as error:
        raise ValueError(str(error)) from error


class RecordedRuns:
    """Answers with what a table holds, in place of a laboratory, which would run what is missing."""

    def __init__(self, table: Path) -> None:
        """table: a `runs.csv`."""
        self._results = {_place(result): result for result in read_runs(table)}

    def results(self, runs: Sequence[Run]) -> list[Result]:
        """Return the results of all runs, in their order; raises KeyError for one that the table lacks."""
        return [self._results[(*(getattr(run, name) for name in _PLACE), _tunes(run))] for run in runs]


def _read(row: dict[str, str]) -> Result:
    validated: dict[str, Any] = {
        name: float(row[name]) if row[name] else None for name in ("validation_accuracy", "validation_chance")
    }
    return {**row, **{name: float(row[name]) for name in _NUMBERS}, "seed": int(row["seed"]), **validated}


def _place(result: Result) -> tuple[Any, ...]:
    return (*(result[name] for name in _PLACE), result["validation_accuracy"] is not None)


def _tunes(run: Run) -> bool:
    return any(word.startswith("training.data.validation_fraction=") for word in run.overrides)
