"""Charts as Plotly figures: on pages, and in notebooks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import plotly.graph_objects as go
from plotly.colors import sample_colorscale

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

_FEW_TICKS = 10
"""Range of counts up to which Plotly would put ticks between two of them."""


def figure_of(chart: Chart) -> Any:
    """Return the chart as a `plotly.graph_objects.Figure`."""
    draw: dict[type, Callable[[Any, Any], None]] = {
        LineChart: _lines, BarChart: _bars, IntervalChart: _intervals, NetworkChart: _network,
    }  # fmt: skip
    figure = go.Figure()
    draw[type(chart)](figure, chart)
    figure.update_layout(title=chart.title, template="plotly_white", colorway=list(COLOURS), showlegend=True)
    return figure


def _lines(figure: Any, chart: LineChart) -> None:
    for name, (x, y) in chart.lines.items():
        figure.add_scatter(x=list(x), y=list(y), name=name, mode="lines+markers", marker={"size": 4})
    ends = [value for x, _ in chart.lines.values() for value in (min(x, default=0), max(x, default=1))]
    for name, level in chart.references.items():
        line = {"dash": "dash", "color": "#666666"}
        figure.add_scatter(x=[min(ends), max(ends)], y=[level, level], name=name, mode="lines", line=line)
    figure.update_layout(xaxis_title=chart.x_label, yaxis_title=chart.y_label)
    if ends and chart.counts() and max(ends) - min(ends) <= _FEW_TICKS:
        figure.update_xaxes(dtick=1)


def _bars(figure: Any, chart: BarChart) -> None:
    for name, values in chart.parts.items():
        figure.add_bar(x=list(chart.categories), y=list(values), name=name)
    figure.update_layout(barmode="stack", yaxis_title=chart.y_label, xaxis_type="category")


def _intervals(figure: Any, chart: IntervalChart) -> None:
    names = list(chart.means)
    means = [mean for mean, _ in chart.means.values()]
    halves = [half or 0.0 for _, half in chart.means.values()]
    errors = {"type": "data", "array": halves}
    figure.add_scatter(
        x=means, y=names, error_x=errors, mode="markers", name="mean and 95 % interval over seeds", marker={"size": 9}
    )
    figure.update_layout(xaxis_title=chart.x_label, yaxis_autorange="reversed")


def _network(figure: Any, chart: NetworkChart) -> None:
    low, high, most = chart.scales()
    for link in chart.links:
        (x0, y0), (x1, y1) = (chart.places[end] for end in link.ends)
        colour = "#bbbbbb"
        if link.fidelity is not None:
            (colour,) = sample_colorscale("Viridis", share(link.fidelity, low, high))
        said = f"{link.ends[0]} - {link.ends[1]}: {link.load:,} pairs"
        said += "" if link.fidelity is None else f", fidelity {link.fidelity:.4f}"
        figure.add_scatter(
            x=[x0, (x0 + x1) / 2, x1], y=[y0, (y0 + y1) / 2, y1], mode="lines", hoverinfo="text", text=said,
            line={"color": colour, "width": 1 + 5 * share(link.load, 0, most)}, showlegend=False,
        )  # fmt: skip
    for kind in dict.fromkeys(chart.kinds.values()):
        names = [name for name, of in chart.kinds.items() if of == kind]
        x, y = zip(*(chart.places[name] for name in names), strict=True)
        marker = {"size": 14 if kind == "hub" else 8, "color": KIND_COLOURS[kind]}
        figure.add_scatter(x=x, y=y, mode="markers", name=kind, text=names, hoverinfo="text", marker=marker)
    scale = {"colorscale": "Viridis", "cmin": low, "cmax": high, "color": [low], "size": 0.1, "colorbar": {
        "title": "fidelity", "x": 1.15}}  # fmt: skip
    figure.add_scatter(x=[None], y=[None], mode="markers", marker=scale, showlegend=False)
    figure.update_xaxes(visible=False)
    figure.update_yaxes(visible=False, scaleanchor="x")
