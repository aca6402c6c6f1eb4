"""What the page says of whole systems is what the tables of the registered runs give."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest

from ceas_ray.studies.systems.recorded_runs import SYSTEMS_TABLE

ROOT = Path(__file__).parents[3]


def figures() -> Any:
    spec = importlib.util.spec_from_file_location("systems_figures", ROOT / "docs" / "figures" / "systems.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


FIGURES = figures()
TABLES = [(experiment, form) for experiment, form in FIGURES.FORMS if FIGURES.table_of(experiment, form).exists()]


@pytest.mark.slow
def test_the_page_says_what_the_tables_of_runs_give() -> None:
    page = FIGURES.PAGE.read_text(encoding="utf-8")
    for experiment, form, found in FIGURES.complete():
        for line in FIGURES.written(experiment, form, found):
            assert line in page


@pytest.mark.skipif(not TABLES, reason="no form has been run")
@pytest.mark.parametrize(("experiment", "form"), TABLES)
def test_every_run_in_a_table_is_one_of_the_plan_s(experiment: str, form: str) -> None:
    rows, plan = SYSTEMS_TABLE.results(FIGURES.table_of(experiment, form)), FIGURES.planned(experiment, form)
    seeds = {*plan.selection_seeds, *plan.evaluation_seeds}
    assert all(row["seed"] in seeds and row["arm"] in plan.form.arms for row in rows)
    assert {row["status"] for row in rows} <= {"completed", "spent", "stalled"}
    budget, budgeted = plan.form.pair_budget, "all_pairs" if plan.form.budgeted_pairs == "all" else "pairs"
    assert not budget or all(row[budgeted] <= budget for row in rows)


@pytest.mark.parametrize("experiment", ["everything", "weights"])
def test_a_scenario_is_written_with_its_verdict_and_every_system(experiment: str) -> None:
    worst = {
        "arm": "ceas", "circuits": 128, "learning_rate": 2.0, "accuracy": 0.9, "attack": "alie", "strength": 4.0,
        "placement": "best_links", "without_attack": 0.95, "rounds": 12.0, "pairs": 2e6, "all_pairs": 3e6,
    }  # fmt: skip
    gain = {"of": "ceas", "over": "mean", "estimate": 0.2, "low": 0.1, "high": 0.3, "p": 0.01}
    weights = {"arm": "ceas", "contrast_cv": 0.1, "gain": 1.1, "bound": 1.01, "excess": 0.09, "low": 0.08, "high": 0.1,
               "most": 1.5}  # fmt: skip
    found = {
        "scenario": "default", "chance": 0.5, "worst": [worst], "gains": {"paper": gain}, "variances": [weights],
        "claims": {"ceas gains": "undecided"},
    }  # fmt: skip
    page = "\n".join(FIGURES.written(experiment, "default" if experiment == "everything" else "links", found))
    assert "- **undecided**: ceas gains." in page
    assert "| `ceas` | `mean` | +20.0 (+10.0 to +30.0) | 0.0100 |" in page
    assert "| `ceas` | 128 | 2 | 0.900 (`alie` 4, best links) | 0.950 | 12.0 | 2,000,000 | 3,000,000 |" in page
    assert ("+0.090 (+0.080 to +0.100)" in page) == (experiment == "weights")
