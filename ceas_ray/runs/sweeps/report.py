"""What a sweep says: a line as each job ends, and at the end a table of all of them, which is a file too."""

from __future__ import annotations

import csv
import io
import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from ceas_ray.reports.numbers import readable
from ceas_ray.runs.sweeps.jobs import SweepJob
from ceas_ray.runs.sweeps.state import summary_of
from ceas_ray.tracking.console import RunProgress
from ceas_ray.tracking.files import write_whole

TABLE = "results.csv"
_NAMED_JOBS = 8
"""Of a longer list, the first."""
RESULTS = {
    "test_accuracy": "test accuracy",
    "bell_pair_utilization": "utilization",
    "demand_on_time": "shots on time",
    "wall_seconds": "wall s",
}
"""Numbers of `summary.json` that the table shows, and what it calls them."""


class SweepProgress:
    """A bar over the jobs, or a line as each ends where there is no terminal, with the time that is left."""

    def __init__(self, jobs: int, done: int, quiet: bool) -> None:
        """done: jobs that were over before."""
        self._bar, self._jobs = RunProgress(jobs, quiet, "job"), jobs
        self._before = self._done = done
        self._began = time.perf_counter()

    def __enter__(self) -> SweepProgress:
        self._bar.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self._bar.__exit__(*error)

    def ended(self, job: SweepJob, status: str, accuracy: float | None) -> None:
        """Note that a job is over."""
        self._done += 1
        seconds = (time.perf_counter() - self._began) / (self._done - self._before) * (self._jobs - self._done)
        left = f", about {_duration(seconds)} left" if self._done < self._jobs else ""
        result = f"accuracy {accuracy:.3f}" if status == "completed" and accuracy is not None else status
        self._bar.step(self._done, f"{name_of(job)}: {result}{left}")

    def say(self, line: str) -> None:
        """Print one line above the bar."""
        self._bar.say(line)


def name_of(job: SweepJob) -> str:
    """Return the number of a job and the settings by which it differs from the others."""
    return " ".join([f"#{job.number}", *(f"{key}={value}" for key, value in job.differs.items())])


def warnings_in(jobs: Sequence[SweepJob], total: int) -> list[str]:
    """Return each warning of these jobs once, with which of the sweep's jobs it concerns. total: jobs of the sweep."""
    concerned: dict[str, list[int]] = {}
    for job in jobs:
        for text in job.warnings:
            concerned.setdefault(text, []).append(job.number)
    return [f"{text} ({_which(numbers, total)})" for text, numbers in concerned.items()]


def _which(numbers: Sequence[int], total: int) -> str:
    if len(numbers) == total > 1:
        return f"all {total} jobs"
    named = ", ".join(f"#{number}" for number in numbers[:_NAMED_JOBS])
    more = f" and {len(numbers) - _NAMED_JOBS} more" if len(numbers) > _NAMED_JOBS else ""
    return f"job {named}" if len(numbers) == 1 else f"{len(numbers)} of {total} jobs: {named}{more}"


def import_tables() -> None:
    """Import what `report` takes, which is slow because of pandas: well done while jobs run in other processes."""
    from ceas_ray.reports import comparison_table, run_files

    del comparison_table, run_files


def report(
    folder: Path,
    jobs: Sequence[SweepJob],
    states: Mapping[int, str],
    causes: Mapping[int, str],
    *,
    results: Mapping[str, str] = RESULTS,
    best: Collection[int] | None = None,
) -> None:
    """Write and print the table of all jobs, and say of every one that did not go well why.

    states, causes: how each job ended, by its number. results: numbers of the summaries, and what the table calls them.
    best: numbers of the jobs that a search marks; None for a sweep that does not look for any.
    """
    from ceas_ray.reports.comparison_table import print_rows  # see `import_tables`

    keys = list(dict.fromkeys(key for job in jobs for key in job.differs))
    marked = [] if best is None else ["best"]
    rows, content = [], io.StringIO()
    lines = csv.writer(content, lineterminator="\n")
    lines.writerow(["job", *keys, *results, *marked, "status", "trace_digest", "folder"])
    for job in jobs:
        settings, numbers = [job.differs.get(key, "") for key in keys], _numbers_of(job, results)
        marks = ["best" if job.number in best else ""] if best is not None else []
        cells = [str(job.number), *map(_short, settings), *map(_shown, numbers), *marks, states[job.number]]
        rows.append(dict(zip(["job", *keys, *results.values(), *marked, "state"], cells, strict=True)))
        written = ["" if number is None else number for number in numbers]
        lines.writerow([job.number, *settings, *written, *marks, states[job.number], *_place(job, folder)])
    write_whole(folder / TABLE, content.getvalue().encode())
    print_rows(str(folder), rows)
    if best is None:
        _print_means(folder)
    _print_causes(jobs, states, causes)
    print(folder / TABLE)


def _numbers_of(job: SweepJob, names: Iterable[str]) -> list[Any]:
    """Return these numbers of a run's summary, as they stand there; None for what is not."""
    numbers = []
    for name in names:
        value: Any = summary_of(job.folder)
        for part in name.split("."):
            value = value.get(part) if isinstance(value, Mapping) else None
        numbers.append(value)
    return numbers


def _place(job: SweepJob, folder: Path) -> tuple[str, str]:
    """Return the digest of a run, and its folder within that of the sweep."""
    return str(summary_of(job.folder).get("trace_digest", "")), job.folder.relative_to(folder).as_posix()


def _print_causes(jobs: Sequence[SweepJob], states: Mapping[int, str], causes: Mapping[int, str]) -> None:
    for job in jobs:
        if causes.get(job.number):
            line = f"{name_of(job)}: {states[job.number]}: {causes[job.number]}"
            Console(stderr=True).print(line, markup=False, highlight=False, soft_wrap=True)


def _print_means(folder: Path) -> None:
    """Print means over seeds with their intervals, where settings have several seeds."""
    from ceas_ray.reports.comparison import MEANS, compared, has_means, table_of_runs
    from ceas_ray.reports.comparison_table import print_comparison
    from ceas_ray.reports.run_files import labels_of, runs_in

    try:
        runs = runs_in([folder])
    except ValueError:  # no run is over
        return
    comparison = compared(table_of_runs(runs, labels_of(runs)))
    if has_means(comparison):
        print_comparison(MEANS, comparison)


def _short(setting: str) -> str:
    """Return a setting for the screen: of a number that was drawn, the first digits."""
    try:
        return f"{float(setting):.6g}" if "." in setting else setting
    except ValueError:
        return setting


def _shown(number: Any) -> str:
    return readable(number) if isinstance(number, int | float) else ""


def _duration(seconds: float) -> str:
    """Return a time as a person says it."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
