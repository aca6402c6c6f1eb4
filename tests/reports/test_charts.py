"""Charts of few rounds have no ticks between two of them."""

from __future__ import annotations

import pytest
from matplotlib import pyplot
from matplotlib.ticker import MaxNLocator

from ceas_ray.reports.charts import LineChart
from ceas_ray.reports.matplotlib_charts import _lines
from ceas_ray.reports.plotly_charts import figure_of


def chart(*x: float) -> LineChart:
    lines = {"a run": (list(x), [0.5] * len(x))}
    return LineChart(key="accuracy", title="Accuracy", x_label="round", y_label="accuracy", lines=lines)


@pytest.mark.parametrize(("x", "step"), [
    ((5, 6), 1), ((1, 11), 1), ((1, 12), None), ((1.5, 2.0), None), ((float("nan"), 1), None),
])  # fmt: skip
def test_a_page_steps_by_one_where_x_counts_few(x: tuple[float, ...], step: int | None) -> None:
    assert figure_of(chart(*x)).layout.xaxis.dtick == step


@pytest.mark.parametrize(("x", "whole"), [((5, 6), True), ((1, 400), True), ((1.5, 2.0), False)])
def test_a_figure_has_ticks_at_integers_where_x_counts(x: tuple[float, ...], whole: bool) -> None:
    figure, axis = pyplot.subplots()
    _lines(axis, chart(*x))
    locator = axis.xaxis.get_major_locator()
    assert isinstance(locator, MaxNLocator) and bool(locator._integer) == whole
    pyplot.close(figure)
