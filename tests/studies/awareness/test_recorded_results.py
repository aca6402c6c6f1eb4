"""What the pages say of awareness of the timetable is what the tables of the registered runs give."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ceas_ray.studies.awareness.experiment import findings_of
from ceas_ray.studies.awareness.recorded_runs import AWARENESS_TABLE
from tests.studies.awareness.test_awareness import REGISTERED, planned

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs" / "explanation" / "awareness.md"


def table(form: str) -> Path:
    return ROOT / "docs" / "explanation" / "results" / f"awareness_{form}.csv"


TABLES = [form for form in REGISTERED if table(form).exists()]
COMPLETE = [form for form in TABLES if len(AWARENESS_TABLE.results(table(form))) == planned(form).count()]


def findings(form: str) -> dict[str, Any]:
    (scenario,) = planned(form).form.scenarios
    return findings_of(planned(form), scenario, AWARENESS_TABLE.recorded(table(form)))


def section(form: str) -> str:
    return PAGE.read_text().split(f"(`study.form={form}`)")[1].split("\n## ")[0]


def interval(row: dict[str, float]) -> str:
    return f"{row['ratio']:.2f} ({row['low']:.2f} to {row['high']:.2f})"


@pytest.mark.parametrize("form", COMPLETE)
def test_the_page_has_every_need_and_ratio_of_the_table_of_runs(form: str) -> None:
    found, text = findings(form), section(form)
    for row in found["worst"]:
        cells = (f"{row['pairs']:,.0f}", f"{row['all_pairs']:,.0f}", f"{row['simulated_seconds']:,.0f}")
        line = next(line for line in text.splitlines() if line.startswith(f"| `{row['arm']}` | {row['circuits']} "))
        assert all(cell in line for cell in (*cells, f"{row['reached']} of {row['runs']}", row["attack"])), line
        assert f"{row['accuracy']:.3f}".removeprefix("0") in line
    for row in found["selected"]:
        assert f"{row['pairs']:,.0f}" in text, row
    for name, row in found["gains"].items():
        assert interval(row) in text, name


@pytest.mark.parametrize("form", COMPLETE)
def test_the_readme_has_the_ratio_that_was_claimed(form: str) -> None:
    found = findings(form)
    assert not found["claims"] or interval(found["gains"]["pairs whole"]) in (ROOT / "README.md").read_text()


@pytest.mark.parametrize("form", TABLES)
def test_every_run_in_the_table_is_one_of_the_plan_s_and_none_stalled(form: str) -> None:
    rows, plan = AWARENESS_TABLE.results(table(form)), planned(form)
    assert {row["status"] for row in rows} <= {"reached", "censored"}
    assert all((row["status"] == "reached") == row["reached"] for row in rows)
    seeds = {*plan.selection_seeds, *plan.evaluation_seeds}
    assert all(
        row["seed"] in seeds and row["arm"] in plan.form.arms and row["scenario"] in plan.form.scenarios for row in rows
    )
    selection = {run.key for run in plan.selection(*plan.form.scenarios)}
    assert {row["key"] for row in rows if row["seed"] in plan.selection_seeds} == selection
