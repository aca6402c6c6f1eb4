"""Draws docs/figures/awareness.svg from the tables in docs/explanation/results/ of the experiment on awareness.

usage: .venv/bin/python docs/figures/awareness.py
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ceas_ray.config.composition import composed
from ceas_ray.reports.plots import pyplot_without_window
from ceas_ray.studies.awareness.design import Plan, read_design
from ceas_ray.studies.awareness.experiment import findings_of
from ceas_ray.studies.awareness.recorded_runs import AWARENESS_TABLE

TABLES = Path(__file__).parents[1] / "explanation" / "results"
FORMS = {
    "one_shot": "T1, at most 256 circuits", "one_shot_fresh": "T1, 5 seeds", "one_shot_many": "T1, 20 seeds",
    "one_shot_budget": "T1, until the budget",
    "two_shots_fresh": "T2, 5 seeds", "two_shots_many": "T2, 20 seeds",
    "two_shots_budget": "T2, until the budget", "four_shots_many": "T4, 20 seeds",
    "scarce": "R0, no timetable", "scarce_many": "R0, no timetable, 20 seeds",
}  # fmt: skip

PANELS_A_ROW = 5


def findings(form: str) -> dict[str, Any] | None:
    """Return the findings of a registered form, from its table; None where not all of its runs were made."""
    plan = Plan(*read_design(composed(["experiment=awareness"])["study"]["design"], form), ())
    table = TABLES / f"awareness_{form}.csv"
    if not table.exists() or len(AWARENESS_TABLE.results(table)) < plan.count():
        return None
    return findings_of(plan, plan.form.scenarios[0], AWARENESS_TABLE.recorded(table))


def main() -> None:
    """Draw what was run as a whole."""
    run = {name: found for name in FORMS if (found := findings(name)) is not None}
    plt = pyplot_without_window()
    plt.rcParams["svg.hashsalt"] = "awareness"  # the same file from the same numbers
    plt.rcParams["svg.fonttype"] = "none"
    rows = -(-len(run) // PANELS_A_ROW)
    figure, grid = plt.subplots(rows, PANELS_A_ROW, figsize=(18, 2.6 * rows), squeeze=False, layout="constrained")
    axes = grid.ravel()
    for axis in axes[len(run) :]:
        axis.remove()
    for axis, (form, found) in zip(axes, run.items(), strict=False):
        names = [row["arm"].replace("_", " ") for row in found["worst"]]
        axis.barh(names, [row["pairs"] for row in found["worst"]], color="#7d9fc2", label="shots and tests")
        axis.plot([row["all_pairs"] for row in found["worst"]], names, "k|", markersize=10, label="with keys")
        axis.set(title=FORMS[form], xlabel="Bell pairs until .80", xscale="log", xlim=(2e4, 2e8))
        axis.grid(alpha=0.3, axis="x")
        axis.invert_yaxis()
    figure.legend(*axes[0].get_legend_handles_labels(), fontsize=8, ncols=2, loc="outside lower center")
    figure.savefig(Path(__file__).with_suffix(".svg"), metadata={"Date": None})


if __name__ == "__main__":
    main()
