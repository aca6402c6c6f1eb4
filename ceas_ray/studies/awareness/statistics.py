"""Statistics of the experiment on awareness: what an arm needs to reach a level, as ratios between arms.

On the selection seeds each arm takes the circuits a round and the learning rate with which it needs the fewest pairs
under the first attack, and the arms without the timetable that need the fewest are judged beside those with it. A run
that does not reach the level counts at the budget of pairs, or at what it generated, where that is more.

An arm's figure is its worst case: the largest, over the attacks, of the geometric mean over the evaluation seeds. A
ratio is the figure of another arm, or of the best of others, over the claimant's. Its bounds are those of
`studies.rules.statistics.rule_gain`, of differences of logarithms: they hold whichever attack is the worst of an arm,
and whichever of the others is the best.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ceas_ray.studies.awareness.design import Plan, Setting
from ceas_ray.studies.headline.statistics import Accuracies, Floats, Result
from ceas_ray.studies.rules.statistics import rule_gain, worst_case

MEASURES = ("pairs", "all_pairs", "simulated_seconds")
LARGEST = 30.0
"""Of a difference of natural logarithms: no ratio is known to be larger than e^30."""


def needed(result: Result, measure: str, budget: int) -> float:
    """Return what a run needed until the level; see the module."""
    value = float(result[measure])
    return max(value, float(budget)) if measure == "pairs" and not result["reached"] else value


def of_setting(result: Result) -> Setting:
    """Return the circuits a round and the learning rate of a run."""
    return int(result["circuits"]), float(result["learning_rate"])


def selected_need(selected: Sequence[Result], arm: str, setting: Setting, budget: int) -> float:
    """Return the geometric mean of the pairs that an arm needed on the selection seeds."""
    of_arm = [r for r in selected if r["arm"] == arm and of_setting(r) == setting]
    return float(np.exp(np.mean([np.log(needed(r, "pairs", budget)) for r in of_arm])))


def chosen_settings(plan: Plan, selected: Sequence[Result]) -> dict[str, Setting]:
    """Return, by arm, the setting with the fewest pairs on the selection seeds; the first of equally good ones."""
    budget, chosen = plan.form.pair_budget, {}
    for arm in plan.form.arms:
        tried = dict.fromkeys(of_setting(r) for r in selected if r["arm"] == arm)
        chosen[arm] = min(tried, key=lambda setting, arm=arm: selected_need(selected, arm, setting, budget))  # type: ignore[misc]
    return chosen


def judged_arms(plan: Plan, selected: Sequence[Result], settings: Mapping[str, Setting]) -> list[str]:
    """Return the arms that are evaluated: those with the timetable, and the best without it, the best first."""
    budget = plan.form.pair_budget
    best = sorted(plan.oblivious, key=lambda arm: selected_need(selected, arm, settings[arm], budget))
    return [*plan.aware, *best[: plan.form.judged]]


def tables(
    plan: Plan,
    selected: Sequence[Result],
    evaluated: Sequence[Result],
    *,
    settings: Mapping[str, Setting],
    measure: str,
) -> Accuracies:
    """Return minus the logarithm of what was needed, by arm, arrays (attacks, 1, seeds): more is better.

    settings: of the arms that are judged. On the selection seeds all attacks but the first are unknown: infinity, so
    that the first is the selected worst.
    """
    budget = plan.form.pair_budget

    def values(results: Sequence[Result], arm: str, attack: tuple[str, float]) -> Floats:
        found = [r for r in results if r["arm"] == arm and (r["attack"], float(r["strength"])) == attack]
        found = sorted((r for r in found if of_setting(r) == settings[arm]), key=lambda r: int(r["seed"]))
        return -np.log([needed(r, measure, budget) for r in found])

    first, *others = plan.attacks
    selection = {}
    for arm in settings:
        of_first = values(selected, arm, first)
        selection[arm] = np.stack([of_first, *(np.full(len(of_first), np.inf) for _ in others)])[:, None]
    evaluation = {
        arm: np.stack([values(evaluated, arm, attack) for attack in plan.attacks])[:, None] for arm in settings
    }
    return Accuracies(tuple(name for name, _ in plan.attacks), ("random",), selection, evaluation)


@dataclass(frozen=True, kw_only=True)
class Ratio:
    """What the best of others needs over what `of` needs. low, high: 95 %. p: one-sided, of a ratio of at most 1."""

    of: str
    over: str
    measure: str
    ratio: float
    low: float
    high: float
    p: float


def ratio(found: Accuracies, of: str, others: Sequence[str], *, measure: str, generator: np.random.Generator) -> Ratio:
    """Return the ratio to the best of others; see the module."""
    gained = rule_gain(found, of, others, generator, largest=LARGEST)
    estimate, low, high = (float(np.exp(value)) for value in (gained.estimate, gained.low, gained.high))
    return Ratio(of=of, over=gained.over, measure=measure, ratio=estimate, low=low, high=high, p=gained.p)


def worst_need(found: Accuracies, arm: str) -> tuple[int, float]:
    """Return the number of the attack under which the arm needs most, and its geometric mean there."""
    attack, value = worst_case(found, arm)
    return attack, float(np.exp(-value))


def accuracy_at(result: Result, pairs: float) -> float:
    """Return a run's accuracy after the last round before which it had generated at most so many pairs; chance before
    the first one.
    """
    points = [point.split(":") for point in str(result["curve"]).split()]
    reached = [float(accuracy) for generated, accuracy in points if float(generated) <= pairs]
    return reached[-1] if reached else float(result["chance"])
