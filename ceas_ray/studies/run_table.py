"""The table of all training runs of an experiment, `runs.csv`: written, and read in place of making the runs again."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ceas_ray.studies.headline.design import Run
from ceas_ray.studies.headline.training_runs import Result
from ceas_ray.tracking.files import write_whole

Place = tuple[Any, ...]
Read = Callable[[str], Any]


def number_or_none(text: str) -> float | None:
    """Return the number that a cell holds, None of an empty one."""
    return float(text) if text else None


def truth(text: str) -> bool:
    """Return whether a cell says True. Raises ValueError for one that says neither."""
    if text not in ("True", "False"):
        raise ValueError(f"True or False, got {text!r}")
    return text == "True"


@dataclass(frozen=True, kw_only=True)
class RunTable:
    """What a table of an experiment's runs holds.

    columns: in their order, `key` (`Run.key`) among them. read: of columns that are no words. order: what rows are
    sorted by. place_of_result, place_of_run: what tells a run from all others, which is found by it.
    """

    columns: tuple[str, ...]
    read: Mapping[str, Read]
    order: Callable[[Result], Any]
    place_of_result: Callable[[Result], Place]
    place_of_run: Callable[[Run], Place]

    def write(self, folder: Path) -> Path:
        """Write `runs.csv`, a row of each training run in the folder, also of an unfinished experiment; return its
        path.
        """
        results = [json.loads(path.read_text()) | {"key": path.stem} for path in (folder / "runs").glob("*.json")]
        results.sort(key=self.order)
        text = io.StringIO()
        rows = csv.DictWriter(text, self.columns, extrasaction="ignore", lineterminator="\n")
        rows.writeheader()
        rows.writerows(results)
        write_whole(folder / "runs.csv", text.getvalue().encode())
        return folder / "runs.csv"

    def results(self, table: Path) -> list[Result]:
        """Return the results of a `runs.csv`. Raises ValueError for a file that is none."""
        try:
            with table.open(newline="") as lines:
                rows = csv.DictReader(lines)
                if tuple(rows.fieldnames or ()) != self.columns:
                    raise ValueError(f"its columns must be {','.join(self.columns)}")
                return [{**row, **{name: read(row[name]) for name, read in self.read.items()}} for row in rows]
        except (OSError, TypeError) as error:
            raise ValueError(str(error)) from error

    def recorded(self, table: Path) -> RecordedRuns:
        """Return what answers with the results of a `runs.csv`."""
        return RecordedRuns(self, table)


class RecordedRuns:
    """Answers with what a table holds: in place of a laboratory, which runs what is missing."""

    def __init__(self, layout: RunTable, table: Path) -> None:
        """table: a `runs.csv` of this layout."""
        self._layout = layout
        self._results = {layout.place_of_result(result): result for result in layout.results(table)}

    def results(self, runs: Sequence[Run]) -> list[Result]:
        """Return the results of all runs, in their order; raises KeyError for one that the table lacks."""
        return [self._results[self._layout.place_of_run(run)] for run in runs]
