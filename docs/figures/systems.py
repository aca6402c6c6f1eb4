"""Draws docs/figures/systems.svg from the tables of the experiments on whole systems, and writes what they show into
docs/explanation/systems.md.

usage: .venv/bin/python docs/figures/systems.py

The tables are docs/explanation/results/{everything,weights}_FORM.csv; a form that lacks runs is left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ceas_ray.config.composition import composed
from ceas_ray.reports.plots import pyplot_without_window
from ceas_ray.studies.systems.design import EverythingDesign, Plan, WeightsDesign, read_design
from ceas_ray.studies.systems.experiment import findings_of
from ceas_ray.studies.systems.recorded_runs import SYSTEMS_TABLE

EXPLANATION = Path(__file__).parents[1] / "explanation"
PAGE = EXPLANATION / "systems.md"
KINDS = {"everything": EverythingDesign, "weights": WeightsDesign}
FORMS = (
    ("everything", "default"),
    ("everything", "all_pairs"),
    ("everything", "one_shot"),
    ("everything", "one_shot_all_pairs"),
    ("weights", "links"),
    ("weights", "unequal_links"),
    ("weights", "gates"),
)


def table_of(experiment: str, form: str) -> Path:
    """Return where the table of a form's runs is kept."""
    return EXPLANATION / "results" / f"{experiment}_{form}.csv"


def planned(experiment: str, form: str) -> Plan:
    """Return a registered form."""
    design = composed([f"experiment={experiment}"])["study"]["design"]
    return Plan(*read_design(KINDS[experiment], design, form), ())


def complete() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield experiment, form and findings of every scenario of the forms of which all runs were made."""
    for experiment, form in FORMS:
        plan, table = planned(experiment, form), table_of(experiment, form)
        if table.exists() and len(SYSTEMS_TABLE.results(table)) == plan.count():
            for scenario in plan.form.scenarios:
                yield experiment, form, findings_of(plan, scenario, SYSTEMS_TABLE.recorded(table))


def points(row: dict[str, Any]) -> str:
    """Return a gain in points with its interval."""
    return f"{row['estimate'] * 100:+.1f} ({row['low'] * 100:+.1f} to {row['high'] * 100:+.1f})"


def written(experiment: str, form: str, found: dict[str, Any]) -> list[str]:
    """Return the lines of the page on a scenario."""
    runs = planned(experiment, form).count()
    lines = [
        f"### `experiment={experiment} study.form={form}`: `{found['scenario']}`", "",
        f"{runs} runs in this form. Chance is {found['chance']:.3f}.", "",
        *(f"- **{verdict}**: {claim}." for claim, verdict in found["claims"].items()), "",
        "| worst case of | minus that of | points (95 %) | p |", "|---|---|---|---|",
        *(f"| `{row['of']}` | `{row['over']}` | {points(row)} | {row['p']:.4f} |" for row in found["gains"].values()),
        "", "| system | circuits | rate | worst case | no attack | rounds | pairs for shots and tests | with keys |",
        "|---|---|---|---|---|---|---|---|",
    ]  # fmt: skip
    for row in found["worst"]:
        where = "" if row["placement"] == "random" else ", best links"
        attack = f"`{row['attack']}` {row['strength']:g}{where}"
        lines.append(
            f"| `{row['arm']}` | {row['circuits']} | {row['learning_rate']:g} | {row['accuracy']:.3f} ({attack}) | "
            f"{row['without_attack']:.3f} | {row['rounds']:.1f} | {row['pairs']:,.0f} | {row['all_pairs']:,.0f} |"
        )
    if experiment == "weights":
        lines += [
            "", "| weights | cv of contrasts | gain in variance | 1 + cv² | gain minus that (95 %) | most |",
            "|---|---|---|---|---|---|",
            *(f"| `{row['arm']}` | {row['contrast_cv']:.3f} | {row['gain']:.3f} | {row['bound']:.3f} | "
              f"{row['excess']:+.3f} ({row['low']:+.3f} to {row['high']:+.3f}) | {row['most']:.3f} |"
              for row in found["variances"]),
        ]  # fmt: skip
    return [*lines, ""]


def draw(all_found: list[tuple[str, dict[str, Any]]]) -> None:
    """Draw the worst case of every system, a panel for each scenario of a form."""
    plt = pyplot_without_window()
    plt.rcParams["svg.hashsalt"] = "systems"  # the same file from the same numbers
    plt.rcParams["svg.fonttype"] = "none"
    figure, axes = plt.subplots(
        len(all_found), 1, figsize=(6.8, 0.6 + 1.9 * len(all_found)), squeeze=False, layout="constrained"
    )
    for axis, (form, found) in zip(axes[:, 0], all_found, strict=True):
        names = [row["arm"].replace("_", " ") for row in found["worst"]]
        axis.barh(names, [row["accuracy"] for row in found["worst"]], color="#7d9fc2", label="worst of two conditions")
        axis.plot([row["without_attack"] for row in found["worst"]], names, "k|", markersize=10, label="no attack")
        axis.axvline(found["chance"], linestyle="dashed", color="black", linewidth=1)
        title = found["scenario"] if form == found["scenario"] else f"{form}: {found['scenario']}"
        axis.set(title=title.replace("_", " "), xlim=(0.4, 1.0))
        axis.tick_params(axis="y", labelsize=8)
        axis.invert_yaxis()
    axes[0][0].legend(fontsize=7, loc="lower right")
    axes[-1][0].set_xlabel("test accuracy")
    figure.savefig(Path(__file__).with_suffix(".svg"), metadata={"Date": None})


def main() -> None:
    """Write what was run as a whole, and draw it."""
    from marked_page import write_between_marks  # here, because tests load this file alone

    found = list(complete())
    lines = [line for of in found for line in written(*of)]
    if found:
        draw([(form, of_scenario) for _, form, of_scenario in found])
        about = (
            "*Bars: mean accuracy over the evaluation seeds in the worst case; ticks: without attack; dashed: chance.*"
        )
        lines = ["![Worst case of each system](../figures/systems.svg)", "", about, "", *lines]
    write_between_marks(PAGE, "results", "\n".join(lines) or "No form has been run as a whole yet.")


if __name__ == "__main__":
    main()
