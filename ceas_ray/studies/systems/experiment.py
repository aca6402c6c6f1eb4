"""The experiments on whole systems, from their registered designs to their findings."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from ceas_ray.config.schema import RunSettings
from ceas_ray.studies.headline.training_runs import Source, Train
from ceas_ray.studies.reproduction import Experiment, Findings, check_runs
from ceas_ray.studies.stages import staged
from ceas_ray.studies.systems.design import Design, EverythingDesign, Plan, WeightsDesign, read_design
from ceas_ray.studies.systems.report import findings, print_findings, write_page
from ceas_ray.studies.systems.statistics import condition_of, setting_of
from ceas_ray.studies.systems.system_runs import train_system


def _plan(kind: type[Design], settings: RunSettings, words: Sequence[str]) -> Plan:
    """Return all runs; raises SettingsError for a design or settings with which they cannot be built."""
    plan = Plan(*read_design(kind, settings.study.design, settings.study.form), tuple(words))
    scenario = plan.form.scenarios[0]
    check_runs([*plan.tuning(scenario)[:1], *plan.selection(scenario, plan.untuned)[:1]])
    return plan


def _train(plan: Plan) -> Train:
    return partial(
        train_system,
        last_rounds=plan.design.last_evaluations,
        pair_budget=plan.form.pair_budget,
        budgeted_pairs=plan.form.budgeted_pairs,
    )


def findings_of(plan: Plan, scenario: str, laboratory: Source) -> Findings:
    """Tune, select and evaluate the arms of a scenario; return what is found."""
    found = staged(plan, scenario, laboratory, condition_of=condition_of, choice_of=setting_of)
    return findings(
        plan, scenario, settings=found.choices, conditions=found.conditions,
        selected=found.selected, evaluated=found.evaluated,
    )  # fmt: skip


def _experiment(kind: type[Design]) -> Experiment[Plan]:
    return Experiment(
        name=kind.experiment,
        plan=partial(_plan, kind),
        train=_train,
        findings=findings_of,
        write_page=write_page,
        print_findings=print_findings,
        figure_of_gain="estimate",
    )


EVERYTHING = _experiment(EverythingDesign)
WEIGHTS = _experiment(WeightsDesign)
