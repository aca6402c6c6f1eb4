"""Plots of studies, as PNG files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

Row = Mapping[str, Any]


def plot_regimes(
    path: Path, rows: Sequence[Row], bounds: Mapping[str, Mapping[str, float]], regimes: Sequence[str]
) -> None:
    """Plot the share on time and J of every scheduler in every regime, with 95 % intervals; dashed: what no scheduler
    can beat.

    rows: `regime`, `scheduler`, and `on_time`, `utilization`, `objective` as {mean, half_width_95}.
    """
    plt = pyplot_without_window()
    figure, axes = plt.subplots(2, len(regimes), figsize=(3.2 * len(regimes), 6.4), squeeze=False, layout="constrained")
    colours = {name: f"C{number}" for number, name in enumerate(dict.fromkeys(row["scheduler"] for row in rows))}
    for column, regime in enumerate(regimes):
        of_regime = [row for row in rows if row["regime"] == regime]
        limits = bounds[regime]
        above, below = axes[0][column], axes[1][column]
        for row in of_regime:
            x, y = row["utilization"], row["on_time"]
            above.errorbar(
                x["mean"],
                y["mean"],
                xerr=x["half_width_95"],
                yerr=y["half_width_95"],
                marker="o",
                color=colours[row["scheduler"]],
                label=row["scheduler"],
            )
        if "on_time_bound" in limits:
            above.hlines(limits["on_time_bound"], 0.95, 1.0, linestyles="dashed", colors="black")
        above.set(title=regime, xlabel="utilization", ylabel="on time", ylim=(0.88, 1.005))
        names = [row["scheduler"] for row in of_regime]
        values = [row["objective"] for row in of_regime]
        below.barh(names, [v["mean"] for v in values], xerr=[v["half_width_95"] for v in values], color="#7d9fc2")
        below.axvline(limits["objective_bound"], linestyle="dashed", color="black")
        below.set(xlabel="J", xlim=(min(0.9, max(0.0, min(v["mean"] for v in values) - 0.02)), 1.005))
        below.invert_yaxis()
    axes[0][0].legend(fontsize=7)
    figure.savefig(path, dpi=120)
    plt.close(figure)


def plot_grid(path: Path, rows: Sequence[Row], bounds: Mapping[str, Mapping[str, float]], cells: Sequence[Row]) -> None:
    """Plot J against supply, a panel a coherence time, a line a scheduler; dashed: the bound.

    cells: `regime`, `coherence_milliseconds`, `supply`.
    """
    plt = pyplot_without_window()
    times = sorted({cell["coherence_milliseconds"] for cell in cells})
    figure, axes = plt.subplots(
        1, len(times), figsize=(4.0 * len(times), 3.6), sharey=True, squeeze=False, layout="constrained"
    )
    for axis, time in zip(axes[0], times, strict=True):
        of_time = [cell for cell in cells if cell["coherence_milliseconds"] == time]
        supplies = [cell["supply"] for cell in of_time]
        for scheduler in dict.fromkeys(row["scheduler"] for row in rows):
            found = {row["regime"]: row["objective"] for row in rows if row["scheduler"] == scheduler}
            values = [found[cell["regime"]] for cell in of_time]
            axis.errorbar(
                supplies, [v["mean"] for v in values], yerr=[v["half_width_95"] for v in values], marker="o",
                label=scheduler,
            )  # fmt: skip
        limits = [bounds[cell["regime"]]["objective_bound"] for cell in of_time]
        axis.plot(supplies, limits, linestyle="dashed", color="black", label="bound")
        axis.set(title=f"coherence time {time:g} ms", xlabel="supply over demand in a burst", ylim=(0.6, 1.01))
    axes[0][0].set_ylabel("J")
    axes[0][-1].legend(fontsize=7)
    figure.savefig(path, dpi=120)
    plt.close(figure)


def plot_worst_cases(path: Path, rows: Sequence[Row], chance: float) -> None:
    """Plot the accuracy of every arm in its worst case, with standard deviations over seeds; dashed: chance.

    rows: `arm`, `attack`, `placement`, `accuracy`, `deviation`.
    """
    plt = pyplot_without_window()
    figure, axis = plt.subplots(figsize=(8.0, 0.5 * len(rows) + 1.5), layout="constrained")
    names = [f"{row['arm']}\n({row['attack']}, {row['placement']})" for row in rows]
    deviations = [row["deviation"] for row in rows]
    axis.barh(names, [row["accuracy"] for row in rows], xerr=deviations, color="#7d9fc2")
    axis.axvline(chance, linestyle="dashed", color="black")
    axis.set(xlabel="test accuracy in the worst case", xlim=(0.0, 1.0))
    axis.tick_params(axis="y", labelsize=7)
    axis.invert_yaxis()
    figure.savefig(path, dpi=120)
    plt.close(figure)


def pyplot_without_window() -> Any:
    """Return matplotlib.pyplot, set to draw into files alone."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    return pyplot
