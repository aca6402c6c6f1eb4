"""Computes the map of when awareness of the timetable pays; draws docs/figures/awareness_map.svg of it.

usage: .venv/bin/python docs/figures/awareness_map.py

Leaves its numbers in docs/explanation/results/awareness_map.csv.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ceas_ray.reports.plots import pyplot_without_window
from ceas_ray.studies.utilization.awareness_map import (
    COHERENCE_MILLISECONDS,
    GAPS_OVER_BURST,
    SUPPLIES,
    Point,
    rows,
)

SEEDS, BURSTS = range(1, 6), 1000
TABLE = Path(__file__).parents[1] / "explanation" / "results" / "awareness_map.csv"
ABOUT = {
    "gain": "a timetable against\nrandom gaps (computed)",
    "simulated_over_mix": "aware against the best\noblivious mix (simulated)",
}
COLUMNS = (
    "supply", "gap_over_burst", "coherence_ms", "known", "unknown", "gain", "simulated_over_mix",
    "simulated_over_mix_95", "simulated_known", "simulated_known_95", "simulated_unknown", "simulated_unknown_95",
    "simulated_gain", "simulated_gain_95",
)  # fmt: skip


def main() -> None:
    """Compute, write the table, and draw."""
    found = list(rows(SEEDS, BURSTS, done=lambda point: print(point, flush=True)))
    with TABLE.open("w", newline="") as file:
        table = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        table.writeheader()
        table.writerows({name: _text(value) for name, value in row.items()} for row in found)
    draw(found)


def _text(value: float) -> str:
    return f"{value:.5g}"


def draw(found: Sequence[dict[str, Any]]) -> None:
    """Draw one panel for each coherence time and each of both gains."""
    plt = pyplot_without_window()
    plt.rcParams["svg.hashsalt"] = "awareness_map"  # the same file from the same numbers
    plt.rcParams["svg.fonttype"] = "none"
    figure, axes = plt.subplots(
        2, len(COHERENCE_MILLISECONDS), figsize=(9.0, 5.2), sharex=True, sharey=True, layout="constrained"
    )
    by = {Point(row["supply"], row["gap_over_burst"], row["coherence_ms"]): row for row in found}
    for line, name in enumerate(ABOUT):
        for axis, coherence in zip(axes[line], COHERENCE_MILLISECONDS, strict=True):
            gains = np.array([[by[Point(s, g, coherence)][name] for s in SUPPLIES] for g in GAPS_OVER_BURST])
            axis.imshow(np.log2(gains), cmap="PuOr_r", vmin=-2, vmax=2, origin="lower", aspect="auto")
            for (y, x), gain in np.ndenumerate(gains):
                axis.text(x, y, f"{gain:.2f}", ha="center", va="center", fontsize=8)
            axis.set_xticks(range(len(SUPPLIES)), [f"{s:g}" for s in SUPPLIES])
            axis.set_yticks(range(len(GAPS_OVER_BURST)), [f"{g:g}" for g in GAPS_OVER_BURST])
            if line == 0:
                axis.set_title(f"memories of {coherence:g} ms", fontsize=9)
        axes[line][0].set_ylabel(f"{ABOUT[name]}\n\ngap over burst", fontsize=8)
    for axis in axes[1]:
        axis.set_xlabel("supply over demand in a burst", fontsize=8)
    figure.savefig(Path(__file__).with_suffix(".svg"), metadata={"Date": None})


if __name__ == "__main__":
    main()
