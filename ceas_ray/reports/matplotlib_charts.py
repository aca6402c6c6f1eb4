"""Charts as files for papers: PNG, SVG, PDF."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ceas_ray.reports.charts import (
    COLOURS,
    KIND_COLOURS,
    BarChart,
    Chart,
    IntervalChart,
    LineChart,
    NetworkChart,
    share,
)
from ceas_ray.reports.plots import pyplot_without_window
from ceas_ray.tracking.files import write_whole

_MAX_NAMES = 24
"""Maximum number of names of bars side by side; of more, every second (third, ...) one is written."""


def draw(chart: Chart, path: Path) -> None:
    """Draw the chart into a file, in the format that the ending of its name says; no link that is there is followed."""
    plt = pyplot_without_window()
    kinds: dict[type, Callable[[Any, Any], None]] = {
        LineChart: _lines, BarChart: _bars, IntervalChart: _intervals, NetworkChart: _network,
    }  # fmt: skip
    figure, axis = plt.subplots(figsize=(6.4, 4.2), layout="constrained")
    axis.set_prop_cycle(color=COLOURS)
    kinds[type(chart)](axis, chart)
    axis.set_title(chart.title, fontsize=10)
    content = io.BytesIO()
    figure.savefig(content, format=path.suffix[1:], dpi=200)
    plt.close(figure)
    write_whole(path, content.getvalue())


def _lines(axis: Any, chart: LineChart) -> None:
    for name, (x, y) in chart.lines.items():
        axis.plot(x, y, marker=".", label=name)
    for name, level in chart.references.items():
        axis.axhline(level, linestyle="dashed", color="#666666", label=name)
    axis.set(xlabel=chart.x_label, ylabel=chart.y_label)
    axis.legend(fontsize=7)
    if chart.counts():
        axis.locator_params(axis="x", integer=True)


def _bars(axis: Any, chart: BarChart) -> None:
    bottom = [0.0] * len(chart.categories)
    places = list(range(len(chart.categories)))
    for name, values in chart.parts.items():
        axis.bar(places, values, bottom=bottom, label=name)
        bottom = [low + value for low, value in zip(bottom, values, strict=True)]
    every = -(-len(places) // _MAX_NAMES)
    axis.set_xticks(places[::every], chart.categories[::every], rotation=20, ha="right", fontsize=7)
    axis.set_ylabel(chart.y_label)
    axis.legend(fontsize=7)


def _intervals(axis: Any, chart: IntervalChart) -> None:
    names = list(chart.means)
    means = [mean for mean, _ in chart.means.values()]
    halves = [half or 0.0 for _, half in chart.means.values()]
    axis.errorbar(means, range(len(names)), xerr=halves, fmt="o", capsize=3, label="mean and 95 % interval over seeds")
    axis.set_yticks(range(len(names)), names, fontsize=7)
    axis.invert_yaxis()
    axis.set_xlabel(chart.x_label)
    axis.legend(fontsize=7)


def _network(axis: Any, chart: NetworkChart) -> None:
    from matplotlib import colormaps

    low, high, most = chart.scales()
    for link in chart.links:
        (x0, y0), (x1, y1) = (chart.places[end] for end in link.ends)
        colour = "#bbbbbb" if link.fidelity is None else colormaps["viridis"](share(link.fidelity, low, high))
        axis.plot([x0, x1], [y0, y1], color=colour, linewidth=0.8 + 4 * share(link.load, 0, most), zorder=1)
    for kind in dict.fromkeys(chart.kinds.values()):
        x, y = zip(*(chart.places[name] for name, of in chart.kinds.items() if of == kind), strict=True)
        axis.scatter(x, y, s=60 if kind == "hub" else 20, color=KIND_COLOURS[kind], label=kind, zorder=2)
    axis.set_axis_off()
    axis.legend(fontsize=7, title=f"fidelity {low:.3f} (dark) to {high:.3f}", title_fontsize=7)
