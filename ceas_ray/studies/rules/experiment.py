"""The experiment on rules, from its registered design to its findings."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ceas_ray.config.errors import SettingsError
from ceas_ray.config.schema import RunSettings
from ceas_ray.studies.headline.design import KEY
from ceas_ray.studies.headline.training_runs import Result, Source, averaged
from ceas_ray.studies.reproduction import Experiment, Findings, check_runs
from ceas_ray.studies.rules.design import Plan, read_design
from ceas_ray.studies.rules.recorded_runs import RULES_TABLE
from ceas_ray.studies.rules.report import findings, print_findings, write_page
from ceas_ray.studies.rules.statistics import attack_of, rate_of
from ceas_ray.studies.stages import staged


def _plan(settings: RunSettings, words: Sequence[str]) -> Plan:
    """Return all runs; raises SettingsError for a design or settings with which they cannot be built."""
    design, form = read_design(settings.study.design, settings.study.form)
    plan = Plan(design, form, tuple(words))
    _recorded(plan)  # refuses before anything is made
    scenario = form.scenarios[0]
    check_runs([*plan.tuning(scenario)[:1], *plan.selection(scenario, plan.untuned)[:1]])
    return plan


def _recorded(plan: Plan) -> list[Result]:
    """Return the results of all tables that are named; raises SettingsError for what is no table."""
    found: list[Result] = []
    for name in plan.design.recorded:
        try:
            found += RULES_TABLE.results(Path(name))
        except ValueError as error:
            raise SettingsError(f"{KEY}.recorded", f"a list of tables as runs.csv ({error})", name) from error
    return found


def findings_of(plan: Plan, scenario: str, laboratory: Source) -> Findings:
    """Tune, select and evaluate the arms of a scenario; return what is found."""
    found = staged(plan, scenario, laboratory, condition_of=attack_of, choice_of=rate_of)
    return findings(
        plan, scenario, rates=found.choices, attacks=found.conditions,
        selected=found.selected, evaluated=found.evaluated,
    )  # fmt: skip


RULES = Experiment(
    name="rules",
    plan=_plan,
    train=averaged,
    findings=findings_of,
    write_page=write_page,
    print_findings=print_findings,
    figure_of_gain="estimate",
    recorded=_recorded,
)
