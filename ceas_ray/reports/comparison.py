"""The comparison of settings over seeds: means with intervals, and differences that are paired by seed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from ceas_ray.reports.charts import IntervalChart
from ceas_ray.reports.intervals import half_widths
from ceas_ray.reports.numbers import numbers_in, readable
from ceas_ray.reports.run_files import RunFiles

MEASURES = {
    "test_accuracy": "test accuracy",
    "bell_pair_utilization": "utilization",
    "demand_on_time": "shots on time",
    "bell_pairs.generated": "Bell pairs generated",
    "simulated_seconds": "simulated seconds",
}
"""Numbers of a summary that are compared, with their names in tables."""
MEANS = "Means over seeds, with 95 % intervals (Student's t)"
"""Title of a comparison of settings with several seeds."""

_COLUMNS = ["measure", "setting", "seeds", "mean", "half_width_95", "difference", "difference_half_width_95"]
_COLUMNS += ["seeds_of_both"]


def table_of_runs(runs: Sequence[RunFiles], labels: Sequence[str]) -> pd.DataFrame:
    """Return a row per run: its label, seed, status, digest, folder, and every number of its summary."""
    rows: list[dict[str, Any]] = []
    for label, run in zip(labels, runs, strict=True):
        named = {"setting": label, "seed": run.seed, "status": run.summary["status"]}
        numbers = {name: value for name, value in numbers_in(run.summary) if name != "seed"}
        rows.append({**named, **numbers, "trace_digest": run.summary["trace_digest"], "folder": str(run.folder)})
    return pd.DataFrame(rows)


def compared(table: pd.DataFrame) -> pd.DataFrame:
    """Return a row per setting and measure, from a table of runs.

    mean, half_width_95: of its interval over seeds. difference, difference_half_width_95: from the first setting, over
    the seeds that both have. A number that needs more runs is NaN. Only runs that completed count.
    """
    done = table[table["status"] == "completed"]
    rows: list[dict[str, Any]] = []
    labels = list(dict.fromkeys(done["setting"]))
    for name, title in MEASURES.items():
        values = {label: done[done["setting"] == label].groupby("seed")[name].mean() for label in labels}
        for label in labels:
            mine, first = values[label], values[labels[0]]
            both = mine.index.intersection(first.index)
            difference = (mine[both] - first[both]).to_numpy() if label != labels[0] else np.empty(0)
            row: dict[str, Any] = {"measure": title, "setting": label, "seeds": len(mine)}
            row |= dict(zip(("mean", "half_width_95"), _interval(mine.to_numpy()), strict=True))
            row |= dict(zip(("difference", "difference_half_width_95"), _interval(difference), strict=True))
            rows.append({**row, "seeds_of_both": len(difference)})
    return pd.DataFrame(rows, columns=_COLUMNS)


def has_means(comparison: pd.DataFrame) -> bool:
    """Return whether a setting has several seeds."""
    return bool(len(comparison)) and bool(comparison["seeds"].max() > 1)


def _interval(values: np.ndarray) -> tuple[float, float]:
    """Return the mean and half the width of its interval; NaN for what needs more values."""
    mean = float(np.mean(values)) if len(values) else float("nan")
    return mean, float(half_widths(values)) if len(values) > 1 else float("nan")


def comparison_charts(comparison: pd.DataFrame) -> list[IntervalChart]:
    """Return a chart per measure in which settings are compared; none for a single setting."""
    if comparison["setting"].nunique() < 2:
        return []
    charts = []
    for measure, rows in comparison.groupby("measure", sort=False):
        means: Mapping[str, tuple[float, float | None]] = {
            row.setting: (row.mean, None if np.isnan(row.half_width_95) else row.half_width_95)
            for row in rows.itertuples()
        }
        key = f"compared_{str(measure).lower().replace(' ', '_')}"
        charts.append(IntervalChart(key=key, title=f"{measure}, by setting", x_label=str(measure), means=means))
    return charts


def shown(comparison: pd.DataFrame) -> pd.DataFrame:
    """Return the comparison as people read it: a row per setting, a column per measure, `mean +- half width`."""
    rows: dict[str, dict[str, str]] = {}
    for row in comparison.to_dict(orient="records"):
        cells = rows.setdefault(row["setting"], {"seeds": str(row["seeds"])})
        cells[row["measure"]] = _with_interval(row["mean"], row["half_width_95"])
        if not np.isnan(row["difference"]) and row["measure"] == MEASURES["test_accuracy"]:
            cells["accuracy minus first"] = _with_interval(
                row["difference"], row["difference_half_width_95"], sign=True
            )
    frame = pd.DataFrame(list(rows.values()), index=pd.Index(list(rows), name="setting")).fillna("")
    return frame.reset_index()


def _with_interval(mean: float, half: float, sign: bool = False) -> str:
    rest_of_rounding = abs(mean) < 1e-9 * half
    text = readable(0.0 if rest_of_rounding else mean, sign=sign)
    if np.isnan(half):
        return text
    return f"{text} ± {readable(half) if half >= 100 else f'{half:.2g}'}"
