"""Draws docs/figures/rules.svg from the tables of the experiment on rules, docs/explanation/results/rules_*.csv.

usage: .venv/bin/python docs/figures/rules.py
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ceas_ray.config.composition import composed
from ceas_ray.reports.plots import pyplot_without_window
from ceas_ray.studies.rules.design import Plan, read_design
from ceas_ray.studies.rules.experiment import findings_of
from ceas_ray.studies.rules.recorded_runs import RULES_TABLE

TABLES = Path(__file__).parents[1] / "explanation" / "results"
SCENARIOS = {"default": "1,024 circuits a round", "circuits_128": "128 circuits a round", "six_qubits": "six qubits"}


def findings(scenario: str) -> dict[str, Any] | None:
    """Return the findings of a registered scenario, from its table; None where not all of its runs were made."""
    plan = Plan(*read_design(composed(["experiment=rules"])["study"]["design"], scenario), ())
    table = TABLES / f"rules_{scenario}.csv"
    if not table.exists() or len(RULES_TABLE.results(table)) < plan.count():
        return None
    return findings_of(plan, scenario, RULES_TABLE.recorded(table))


def main() -> None:
    """Draw what was run as a whole."""
    run = {name: found for name in SCENARIOS if (found := findings(name)) is not None}
    plt = pyplot_without_window()
    plt.rcParams["svg.hashsalt"] = "rules"  # the same file from the same numbers
    plt.rcParams["svg.fonttype"] = "none"
    figure, axes = plt.subplots(
        1, len(run), figsize=(2.2 + 2.6 * len(run), 3.4), sharey=True, squeeze=False, layout="constrained"
    )
    for axis, (scenario, found) in zip(axes[0], run.items(), strict=True):
        names = [row["arm"].replace("_", " ") for row in found["worst"]]
        axis.barh(names, [row["accuracy"] for row in found["worst"]], color="#7d9fc2", label="worst of two attacks")
        axis.plot([row["without_attack"] for row in found["worst"]], names, "k|", markersize=10, label="no attack")
        axis.axvline(found["chance"], linestyle="dashed", color="black", linewidth=1)
        axis.set(title=SCENARIOS[scenario], xlabel="test accuracy", xlim=(0.4, 1.0))
        axis.grid(alpha=0.3, axis="x")
    axes[0][0].invert_yaxis()
    axes[0][-1].legend(fontsize=7, loc="lower right")
    figure.savefig(Path(__file__).with_suffix(".svg"), metadata={"Date": None})


if __name__ == "__main__":
    main()
