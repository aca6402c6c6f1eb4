"""Simulates the schedulers of a link in regime R0, and draws docs/figures/schedulers.svg of them.

usage: .venv/bin/python docs/figures/schedulers.py
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ceas_ray.config.composition import composed
from ceas_ray.config.policies import instantiate
from ceas_ray.reports.plots import pyplot_without_window
from ceas_ray.studies.utilization.regimes import REGIMES
from ceas_ray.studies.utilization.study import run_study

SEEDS, BURSTS = range(1, 6), 1000
LABELS = {
    "oblivious": "oblivious",
    "freshest_first": "freshest first",
    "on_demand": "on demand",
    "two_level": "two levels",
    "mdp": "mdp (CEAS)",
    "clairvoyant": "clairvoyant",
}
MIN_UTILIZATION = 0.95


def main() -> None:
    """Simulate and draw."""
    mdp = instantiate(composed([])["scheduling"], "scheduling")
    found = run_study(mdp=mdp, seeds=SEEDS, bursts=BURSTS, regimes=REGIMES[:1], done=print)
    rows = {row["scheduler"]: row for row in found["summary"]}
    plt = pyplot_without_window()
    plt.rcParams["svg.hashsalt"] = "schedulers"  # the same file from the same numbers
    plt.rcParams["svg.fonttype"] = "none"
    figure, axes = plt.subplots(figsize=(6.4, 3.6), layout="constrained")
    for scheduler, label in LABELS.items():
        _draw(axes, rows[scheduler], label)
    bound = found["bounds"][REGIMES[0].name]["on_time_bound"]
    axes.hlines(bound, MIN_UTILIZATION, 1, linestyles="dashed", colors="black", linewidth=1)
    axes.annotate("no scheduler above", (MIN_UTILIZATION, bound), (-4, 0), textcoords="offset points", ha="right",
                  va="center", fontsize=8)  # fmt: skip
    axes.set(xlabel="used over generated Bell pairs", ylabel="shots on time", xlim=(0.3, 1.02))
    axes.grid(alpha=0.3)
    figure.savefig(Path(__file__).with_suffix(".svg"), metadata={"Date": None})


def _draw(axes: Any, row: Any, label: str) -> None:
    x, y = row["utilization"], row["on_time"]
    bars = axes.errorbar(
        x["mean"], y["mean"], xerr=x["half_width_95"], yerr=y["half_width_95"], marker="o", label=label
    )
    left = x["mean"] > 0.6  # of the point, so that no label leaves the axes
    offset, alignment = ((-8, 0), "right") if left else ((8, 0), "left")
    axes.annotate(
        label,
        (x["mean"], y["mean"]),
        offset,
        textcoords="offset points",
        ha=alignment,
        va="center",
        fontsize=8,
        color=bars[0].get_color(),
    )


if __name__ == "__main__":
    main()
