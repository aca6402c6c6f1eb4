"""The experiment behind the headline claim, from its registered design to its findings."""

from __future__ import annotations

from collections.abc import Sequence

from ceas_ray.config.schema import RunSettings
from ceas_ray.studies.headline.design import Cell, Plan, read_design
from ceas_ray.studies.headline.report import Findings, findings, print_findings, write_page
from ceas_ray.studies.headline.statistics import Accuracies, best_rates, worst_strengths
from ceas_ray.studies.headline.training_runs import Source, averaged
from ceas_ray.studies.reproduction import Experiment, check_runs


def _plan(settings: RunSettings, words: Sequence[str]) -> Plan:
    """Return all runs; raises SettingsError for a design or settings with which they cannot be built."""
    design, form = read_design(settings.study.design, settings.study.form)
    plan = Plan(design, form, tuple(words))
    cell = Cell(
        scenario=form.scenarios[0],
        arm=form.arms[0],
        attack=next(iter(form.attacks)),
        strength=1.0,
        placement=form.placements[0],
    )
    check_runs([plan.run(cell, learning_rate=0.1, seed=1), *plan.tuning(form.scenarios[0])[:1]])
    return plan


def _findings(plan: Plan, scenario: str, laboratory: Source) -> Findings:
    """Tune, select and evaluate the arms of a scenario; return what is found."""
    form = plan.form
    tuned = laboratory.results(plan.tuning(scenario))
    rates = best_rates(tuned, form.arms) if tuned else dict.fromkeys(form.arms, form.learning_rates[0])
    selection = laboratory.results(plan.selection(scenario, rates))
    strengths = worst_strengths(selection)
    evaluation = laboratory.results(plan.evaluation(scenario, rates, strengths))
    accuracies = Accuracies.of(selection, evaluation, strengths)
    return findings(plan.design, form, scenario, found=accuracies, results=evaluation, rates=rates, strengths=strengths)


HEADLINE = Experiment(
    name="headline",
    plan=_plan,
    train=averaged,
    findings=_findings,
    write_page=write_page,
    print_findings=print_findings,
    figure_of_gain="mean",
)
