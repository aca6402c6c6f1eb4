"""What the pages say of rules under attack is what the tables of the registered runs give."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ceas_ray.config.composition import composed
from ceas_ray.studies.rules.design import Plan, read_design
from ceas_ray.studies.rules.experiment import findings_of
from ceas_ray.studies.rules.recorded_runs import RecordedRuns
from tests.studies.rules.test_rules import REGISTERED

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs" / "explanation" / "rules.md"
TABLES = {form: ROOT / "docs" / "explanation" / "results" / f"rules_{form}.csv" for form in REGISTERED}
RUN = [form for form, table in TABLES.items() if table.exists()]


def findings(form: str) -> dict[str, Any]:
    plan = Plan(*read_design(composed(["experiment=rules"])["study"]["design"], form), ())
    return findings_of(plan, form, RecordedRuns(TABLES[form]))


def points(row: dict[str, float]) -> str:
    low, high = (f"{row[end] * 100:+.1f}" for end in ("low", "high"))
    return f"{row['estimate'] * 100:+.1f} ({low} to {high})"


@pytest.mark.parametrize("form", RUN)
def test_the_page_has_every_worst_case_and_gain_of_the_table_of_runs(form: str) -> None:
    found, page = findings(form), PAGE.read_text()
    for row in found["worst"]:
        assert f"{row['accuracy']:.3f}".removeprefix("0") in page, row
    for name, row in found["gains"].items():
        assert points(row) in page, name


@pytest.mark.parametrize("form", RUN)
def test_the_readme_has_the_gains_that_were_claimed(form: str) -> None:
    gains = findings(form)["gains"]
    for name in ("nnm_trimmed_mean", "best other"):
        assert points(gains[name]) in (ROOT / "README.md").read_text()


@pytest.mark.parametrize("form", RUN)
def test_every_registered_run_completed(form: str) -> None:
    rows = TABLES[form].read_text().splitlines()
    assert len(rows) - 1 == Plan(*read_design(composed(["experiment=rules"])["study"]["design"], form), ()).count()
    assert all(",completed," in row for row in rows[1:])
