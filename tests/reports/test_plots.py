"""Plots show the values that they are given, beside the bound, and leave no open figure."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ceas_ray.reports.plots import plot_grid, plot_regimes, plot_worst_cases


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Any]]:
    """The figures that are drawn while this lasts."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figures: list[Any] = []
    close = pyplot.close
    monkeypatch.setattr(pyplot, "close", lambda figure: (figures.append(figure), close(figure)))
    yield figures
    assert pyplot.get_fignums() == [], "every figure is closed"


def interval(mean: float) -> dict[str, float]:
    return {"mean": mean, "half_width_95": 0.01}


def row(regime: str, scheduler: str, objective: float) -> dict[str, Any]:
    measures = {"on_time": interval(0.97), "utilization": interval(0.9), "objective": interval(objective)}
    return {"regime": regime, "scheduler": scheduler, **measures}


def is_png(path: Path) -> bool:
    return path.read_bytes().startswith(b"\x89PNG")


def test_worst_cases_are_bars_in_their_order_with_a_line_at_chance(tmp_path: Path, drawn: list[Any]) -> None:
    rows = [
        {"arm": arm, "attack": "alie", "placement": "random", "accuracy": accuracy, "deviation": 0.02}
        for arm, accuracy in (("ceas", 0.9), ("mean", 0.5))
    ]
    plot_worst_cases(tmp_path / "worst.png", rows, 0.25)
    ((axis,),) = (figure.axes for figure in drawn)
    assert [bar.get_width() for bar in axis.patches] == [0.9, 0.5]
    assert [label.get_text().splitlines()[0] for label in axis.get_yticklabels()] == ["ceas", "mean"]
    assert 0.25 in [line.get_xdata()[0] for line in axis.lines]
    assert is_png(tmp_path / "worst.png")


def test_regimes_have_a_column_each_and_a_bound_where_there_is_one(tmp_path: Path, drawn: list[Any]) -> None:
    rows = [row("R0", "mdp", 0.96), row("R0", "oblivious", 0.91), row("R4", "mdp", 0.93)]
    bounds = {"R0": {"objective_bound": 0.98, "on_time_bound": 0.99}, "R4": {"objective_bound": 0.95}}
    plot_regimes(tmp_path / "regimes.png", rows, bounds, ["R0", "R4"])
    (figure,) = drawn
    above, below = figure.axes[:2], figure.axes[2:]
    assert [axis.get_title() for axis in above] == ["R0", "R4"]
    assert [[bar.get_width() for bar in axis.patches] for axis in below] == [[0.96, 0.91], [0.93]]
    dashed = [line.get_xdata()[0] for axis in below for line in axis.lines if line.get_linestyle() == "--"]
    assert dashed == [0.98, 0.95]
    assert [bool(bound) for bound in ([c for c in axis.collections if len(c.get_segments()) == 1 and np.ptp(
        c.get_segments()[0][:, 0]) == pytest.approx(0.05)] for axis in above)] == [True, False]  # fmt: skip
    assert is_png(tmp_path / "regimes.png")


def test_the_grid_has_a_panel_for_each_coherence_time_and_a_line_for_each_scheduler(
    tmp_path: Path, drawn: list[Any]
) -> None:
    cells = [
        {"regime": f"T={time} x{supply}", "coherence_milliseconds": time, "supply": supply}
        for time in (40.0, 80.0)
        for supply in (1.2, 2.4)
    ]
    rows = [row(cell["regime"], "mdp", 0.7 + 0.1 * number) for number, cell in enumerate(cells)]
    plot_grid(tmp_path / "grid.png", rows, {cell["regime"]: {"objective_bound": 1.0} for cell in cells}, cells)
    (figure,) = drawn
    lines = [{str(line.get_label()): list(line.get_ydata()) for line in axis.lines} for axis in figure.axes]
    shown = [next(iter(value for name, value in panel.items() if name != "bound")) for panel in lines]
    assert np.allclose(shown, [[0.7, 0.8], [0.9, 1.0]])
    assert [panel["bound"] for panel in lines] == [[1.0, 1.0], [1.0, 1.0]]
    assert is_png(tmp_path / "grid.png")
