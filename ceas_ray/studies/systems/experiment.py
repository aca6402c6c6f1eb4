"""The experiments on whole systems, from their registered designs to their findings."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from ceas_ray.config.schema import RunSettings
from ceas_ray.studies.headline.training_runs import Source, Train
from ceas_ray.studies.reproduction import Experiment, Findings, check_runs
from ceas_ray.studies.systems.design import Design, EverythingDesign, Plan, WeightsDesign, read_design
from ceas_ray.studies.systems.report import findings, print_findings, write_page
from ceas_ray.studies.systems.statistics import chosen_settings, of_conditions, worst_conditions
from ceas_ray.studies.systems.system_runs import train_system


def _plan(kind: type[Design], settings: RunSettings, words: Sequence[str]) -> Plan:
    """Return all runs; raises SettingsError for a design or settings with which they cannot be built."""
    plan = Plan(*read_design(kind, settings.study.design, settings.study.form), tuple(words))
    scenario, tried = plan.form.scenarios[0], dict.fromkeys(plan.form.arms, plan.settings[0])
    check_runs([*plan.tuning(scenario)[:1], *plan.selection(scenario, tried)[:1]])
    return plan


def _train(plan: Plan) -> Train:
    return partial(train_system, last_rounds=plan.design.last_evaluations, pair_budget=plan.form.pair_budget)


def _findings(plan: Plan, laboratory: Source) -> list[Findings]:
    return [findings_of(plan, scenario, laboratory) for scenario in plan.form.scenarios]


def findings_of(plan: Plan, scenario: str, laboratory: Source) -> Findings:
    """Tune, select and evaluate the arms of a scenario; return what is found."""
    form = plan.form
    tuned = laboratory.results(plan.tuning(scenario))
    settings = chosen_settings(tuned, form.arms) if tuned else dict.fromkeys(form.arms, plan.settings[0])
    selection = laboratory.results(plan.selection(scenario, settings))
    shortlist = worst_conditions(selection, form.arms, form.shortlist)
    further = laboratory.results(plan.further_selection(scenario, settings, shortlist))
    selected = [*of_conditions(selection, shortlist), *further]
    conditions = worst_conditions(selected, form.arms, form.worst_attacks)
    evaluated = laboratory.results(plan.evaluation(scenario, settings, conditions))
    return findings(plan, scenario, settings=settings, conditions=conditions, selected=selected, evaluated=evaluated)


def _experiment(kind: type[Design]) -> Experiment[Plan]:
    return Experiment(
        name=kind.experiment,
        plan=partial(_plan, kind),
        train=_train,
        findings=_findings,
        write_page=write_page,
        print_findings=print_findings,
        figure_of_gain="estimate",
    )


EVERYTHING = _experiment(EverythingDesign)
WEIGHTS = _experiment(WeightsDesign)
