"""The report of runs or of a sweep, in the formats that are asked for."""

from __future__ import annotations

import errno
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from ceas_ray.reports.charts import Chart
from ceas_ray.reports.comparison import MEANS, compared, comparison_charts, has_means, shown, table_of_runs
from ceas_ray.reports.file_names import FIGURES, FORMATS, IMAGES, TABLES
from ceas_ray.reports.numbers import readable
from ceas_ray.reports.run_charts import charts_of
from ceas_ray.reports.run_files import RunFiles, labels_of, runs_in
from ceas_ray.tracking.files import write_whole

_NO_SHARE = {"detection.precision": "no row was flagged", "detection.recall": "no Byzantine row"}
"""Columns of shares of the rows that were flagged as Byzantine, with what stands there for a share of nothing."""
_DETECTION = (
    " (detection: of rows without weight in the model or in quarantine, how many were Byzantine; and vice versa)"
)


@dataclass(frozen=True, eq=False)
class Report:
    """The contents of a report. runs: a row per run. comparison: of settings over seeds, as `compared` makes it."""

    title: str
    files: Sequence[RunFiles]
    runs: pd.DataFrame
    comparison: pd.DataFrame
    charts: Sequence[Chart]

    @classmethod
    def of(cls, folders: Sequence[Path]) -> Report:
        """Read the runs in these folders, each of a run or a sweep. Raises ValueError, in one line, for any other."""
        files = runs_in(folders)
        labels = labels_of(files)
        runs = table_of_runs(files, labels)
        comparison = compared(runs)
        names = _names(labels, files)
        title = f"Report of {folders[0].name}" if len(folders) == 1 else f"Report of {len(files)} runs"
        return cls(title, files, runs, comparison, [*comparison_charts(comparison), *charts_of(files, names)])

    def write(self, folder: Path, formats: Sequence[str]) -> list[Path]:
        """Write the report into `folder`; return the files.

        formats: some of FORMATS. Raises ValueError for another one, and OSError if a file cannot be written.
        """
        wrong = [form for form in formats if form not in FORMATS]
        if wrong:
            raise ValueError(f"formats must be any of {', '.join(FORMATS)}, got {wrong[0]!r}")
        folder.mkdir(parents=True, exist_ok=True)
        written = [self._write_table(folder, form) for form in TABLES if form in formats]
        for form in IMAGES:
            written += [self._draw(chart, folder / f"{chart.key}.{form}") for chart in self.charts if form in formats]
        if "html" in formats:
            written.insert(0, folder / "report.html")
            write_whole(written[0], self.page().encode())
        return written

    def page(self) -> str:
        """Return the report as a page of HTML."""
        from ceas_ray.reports.page import page

        columns = ["setting", "seed", "status", "rounds", "test_accuracy", "bell_pair_utilization", "demand_on_time"]
        columns += [*_NO_SHARE]
        runs = self.runs[[column for column in columns if column in self.runs]]
        runs = runs.astype(object).fillna(_NO_SHARE).assign(seed=runs["seed"].map(str)).map(_cell)
        results = MEANS if has_means(self.comparison) else "Results"
        tables = [(results, shown(self.comparison))] if len(self.comparison) else []
        detected = any(column in runs for column in _NO_SHARE)
        return page(self.title, self.files, [*tables, ("Runs" + _DETECTION * detected, runs)], self.charts)

    def _draw(self, chart: Chart, path: Path) -> Path:
        from ceas_ray.reports.matplotlib_charts import draw

        draw(chart, path)
        return path

    def _write_table(self, folder: Path, form: str) -> Path:
        """Write all numbers of all runs, or, in LaTeX, the comparison of settings."""
        if form == "tex":
            path = folder / "comparison.tex"
            write_whole(path, latex(shown(self.comparison)).encode())
            return path
        path = folder / f"runs.{form}"
        if form == "csv":
            write_whole(path, self.runs.to_csv(index=False).encode())
        else:
            write_whole(path, self.runs.to_parquet(index=False))
        return path


def _cell(value: object) -> str:
    return readable(value) if isinstance(value, int | float) and not isinstance(value, bool) else str(value)


def _names(labels: Sequence[str], files: Sequence[RunFiles]) -> list[str]:
    """Return what charts call each run: its label, its seed, and its folder where that is not enough."""
    names = [f"{label}, seed {run.seed}" for label, run in zip(labels, files, strict=True)]
    doubled = {name for name in names if names.count(name) > 1}
    return [f"{name} ({run.folder.name})" if name in doubled else name for name, run in zip(names, files, strict=True)]


def draw_figures(folder: Path) -> list[Path]:
    """Draw the accuracy of a run and the fate of its pairs into its folder `figures`; return the files.

    Raises ValueError for a folder without a whole run, and OSError if a file cannot be written, or where `figures` is a
    link: whoever wrote the folder could choose what is replaced.
    """
    from ceas_ray.reports.matplotlib_charts import draw

    place, drawn = folder / FIGURES, list[Path]()
    place.mkdir(exist_ok=True)
    if place.is_symlink():
        raise OSError(errno.ELOOP, "a link, which is not followed", str(place))
    for chart in charts_of([RunFiles.read(folder)], [folder.name]):
        if chart.key in ("accuracy_over_rounds", "pairs"):
            drawn.append(place / f"{chart.key}.png")
            draw(chart, drawn[-1])
    return drawn


def latex(table: pd.DataFrame) -> str:
    """Return a table as LaTeX that needs no package: a `tabular`."""

    def row(cells: Sequence[object]) -> str:
        return " & ".join(_escaped(str(cell)) for cell in cells) + r" \\"

    lines = [r"\begin{tabular}{l" + "r" * (table.shape[1] - 1) + "}", r"\hline", row(list(table.columns)), r"\hline"]
    lines += [row(cells) for cells in table.itertuples(index=False)]
    return "\n".join([*lines, r"\hline", r"\end{tabular}"]) + "\n"


def _escaped(text: str) -> str:
    special = {character: f"\\{character}" for character in "&%$#_{}"}
    special |= {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "±": r"$\pm$"}
    return "".join(special.get(character, character) for character in text)
