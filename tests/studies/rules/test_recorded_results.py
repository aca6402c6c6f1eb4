"""What the pages say of rules under attack is what the tables of the registered runs give."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ceas_ray.studies.rules.design import Plan, read_design
from ceas_ray.studies.rules.experiment import findings_of
from ceas_ray.studies.rules.recorded_runs import RULES_TABLE
from tests.composed_settings import composed_once
from tests.studies.rules.test_rules import OTHERS, REGISTERED

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs" / "explanation" / "rules.md"


def table(form: str) -> Path:
    return ROOT / "docs" / "explanation" / "results" / f"rules_{form}.csv"


def planned(form: str) -> Plan:
    return Plan(*read_design(composed_once(["experiment=rules"])["study"]["design"], form), ())


FORMS = [*REGISTERED, *(f"{form}_fresh" for form in REGISTERED), "circuits_128_every", *OTHERS]
TABLES = [form for form in FORMS if table(form).exists()]
COMPLETE = [form for form in TABLES if len(RULES_TABLE.results(table(form))) == planned(form).count()]


def findings(form: str) -> dict[str, Any]:
    plan = planned(form)
    return findings_of(plan, *plan.form.scenarios, RULES_TABLE.recorded(table(form)))


def points(row: dict[str, float]) -> str:
    low, high = (f"{row[end] * 100:+.1f}" for end in ("low", "high"))
    return f"{row['estimate'] * 100:+.1f} ({low} to {high})"


@pytest.mark.parametrize("form", COMPLETE)
def test_the_page_has_every_worst_case_and_gain_of_the_table_of_runs(form: str) -> None:
    found, page = findings(form), PAGE.read_text()
    for row in found["worst"]:
        assert f"{row['accuracy']:.3f}".removeprefix("0") in page, row
    for name, row in found["gains"].items():
        assert points(row) in page, name


@pytest.mark.parametrize("form", COMPLETE)
def test_the_readme_has_the_gains_that_were_claimed(form: str) -> None:
    gains = findings(form)["gains"]
    for name in ("nnm_trimmed_mean", "best other"):
        assert points(gains[name]) in (ROOT / "README.md").read_text()


@pytest.mark.parametrize("form", TABLES)
def test_every_run_in_the_table_completed_and_is_one_of_the_plan_s(form: str) -> None:
    rows, plan = RULES_TABLE.results(table(form)), planned(form)
    assert {row["status"] for row in rows} == {"completed"}
    seeds = {*plan.selection_seeds, *plan.evaluation_seeds}
    (scenario,) = plan.form.scenarios
    assert all(row["seed"] in seeds and row["arm"] in plan.form.arms and row["scenario"] == scenario for row in rows)
    tuning = {run.key for run in plan.tuning(scenario)}
    tuned = {row["key"] for row in rows if row["validation_accuracy"] is not None}
    assert tuned == tuning if form in COMPLETE else tuned <= tuning
