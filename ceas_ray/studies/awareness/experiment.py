"""The experiment on awareness, from its registered design to its findings."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from ceas_ray.config.schema import RunSettings
from ceas_ray.studies.awareness.design import Plan, read_design
from ceas_ray.studies.awareness.level_runs import train_to_level
from ceas_ray.studies.awareness.report import findings, print_findings, write_page
from ceas_ray.studies.awareness.statistics import chosen_settings, judged_arms
from ceas_ray.studies.headline.training_runs import Source, Train
from ceas_ray.studies.reproduction import Experiment, Findings, check_runs


def _plan(settings: RunSettings, words: Sequence[str]) -> Plan:
    """Return all runs; raises SettingsError for a design or settings with which they cannot be built."""
    plan = Plan(*read_design(settings.study.design, settings.study.form), tuple(words))
    check_runs(plan.selection(plan.form.scenarios[0])[:1])
    return plan


def _train(plan: Plan) -> Train:
    level, rounds = plan.design.level, plan.design.level_rounds
    return partial(train_to_level, level=level, level_rounds=rounds, pair_budget=plan.form.pair_budget)


def findings_of(plan: Plan, scenario: str, laboratory: Source) -> Findings:
    """Tune, select and evaluate the arms of a scenario; return what is found."""
    selected = laboratory.results(plan.selection(scenario))
    settings = chosen_settings(plan, selected)
    judged = {arm: settings[arm] for arm in judged_arms(plan, selected, settings)}
    return findings(plan, scenario, selected, laboratory.results(plan.evaluation(scenario, judged)))


AWARENESS = Experiment(
    name="awareness",
    plan=_plan,
    train=_train,
    findings=findings_of,
    write_page=write_page,
    print_findings=print_findings,
    figure_of_gain="ratio",
)
