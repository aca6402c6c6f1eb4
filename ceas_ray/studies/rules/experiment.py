"""The experiment on rules, from its registered design to its findings."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ceas_ray.config.errors import SettingsError
from ceas_ray.config.schema import RunSettings
from ceas_ray.studies.headline.design import KEY
from ceas_ray.studies.headline.training_runs import Laboratory, Result, Source, averaged
from ceas_ray.studies.reproduction import Experiment, Findings, check_runs
from ceas_ray.studies.rules.design import Design, Plan, read_design
from ceas_ray.studies.rules.recorded_runs import RULES_TABLE
from ceas_ray.studies.rules.report import findings, print_findings, write_page
from ceas_ray.studies.rules.statistics import chosen_rates, of_attacks, worst_attacks


def _plan(settings: RunSettings, words: Sequence[str]) -> Plan:
    """Return all runs; raises SettingsError for a design or settings with which they cannot be built."""
    design, form = read_design(settings.study.design, settings.study.form)
    plan = Plan(design, form, tuple(words))
    _recorded(design)  # refuses before anything is made
    scenario, rates = form.scenarios[0], dict.fromkeys(form.arms, form.learning_rates[0])
    check_runs([*plan.tuning(scenario)[:1], *plan.selection(scenario, rates)[:1]])
    return plan


def _recorded(design: Design) -> list[Result]:
    """Return the results of all tables that are named; raises SettingsError for what is no table."""
    found: list[Result] = []
    for name in design.recorded:
        try:
            found += RULES_TABLE.results(Path(name))
        except ValueError as error:
            raise SettingsError(f"{KEY}.recorded", f"a list of tables as runs.csv ({error})", name) from error
    return found


def _findings(plan: Plan, laboratory: Laboratory) -> list[Findings]:
    for result in _recorded(plan.design):
        laboratory.take(str(result["key"]), result)
    return [findings_of(plan, scenario, laboratory) for scenario in plan.form.scenarios]


def findings_of(plan: Plan, scenario: str, laboratory: Source) -> Findings:
    """Tune, select and evaluate the arms of a scenario; return what is found."""
    form = plan.form
    tuned = laboratory.results(plan.tuning(scenario))
    rates = chosen_rates(tuned, form.arms) if tuned else dict.fromkeys(form.arms, form.learning_rates[0])
    selection = laboratory.results(plan.selection(scenario, rates))
    shortlist = worst_attacks(selection, form.arms, form.shortlist)
    further = laboratory.results(plan.further_selection(scenario, rates, shortlist))
    selected = [*of_attacks(selection, shortlist), *further]
    attacks = worst_attacks(selected, form.arms, form.worst_attacks)
    evaluated = laboratory.results(plan.evaluation(scenario, rates, attacks))
    return findings(plan, scenario, rates=rates, attacks=attacks, selected=selected, evaluated=evaluated)


RULES = Experiment(
    name="rules",
    plan=_plan,
    train=averaged,
    findings=_findings,
    write_page=write_page,
    print_findings=print_findings,
    figure_of_gain="estimate",
)
