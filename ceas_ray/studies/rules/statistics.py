"""Statistics of the experiment on rules: selected on some seeds, evaluated on fresh ones, intervals over seeds.

An arm's learning rate is the one with the best mean of its two least accuracies on the validation set of the first
selection seed, without attack and under the screening attacks. An attack's strength is the one that is worst for the
arm on that seed. The worst attacks there (the shortlist) run on the other selection seeds; those that are worst over
all are the arm's, and the first of them its selected worst. Accuracies below chance count as chance.

An arm's figure is its worst case: the least, over its attacks, of the mean accuracy over the evaluation seeds.
A gain is the claimant's figure minus that of another arm, or of the best of others. Its bounds are those of
`studies.headline.statistics.gain`: the lower one is the least lower bound of Student's t, of differences that are
paired by seed, over all attacks of the claimant and each other arm under its selected worst; for the upper one the
roles change. So they hold whichever attack is the true worst, and no attack is chosen by what it is judged on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ceas_ray.studies.headline.design import Attack
from ceas_ray.studies.headline.statistics import Accuracies, Floats, Result, clipped, gain
from ceas_ray.studies.rules.design import NO_ATTACK

LEAST = 2
"""How many of the least validation accuracies decide on a learning rate."""


def chosen_rates(tuned: Sequence[Result], arms: Sequence[str]) -> dict[str, float]:
    """Return the learning rate of each arm; the lower of equally good ones. See the module."""
    chosen = {}
    for arm in arms:
        of_arm = [r for r in tuned if r["arm"] == arm]
        rates = sorted({float(r["learning_rate"]) for r in of_arm})
        means = [np.mean(sorted(_validated(r) for r in of_arm if r["learning_rate"] == rate)[:LEAST]) for rate in rates]
        chosen[arm] = rates[int(np.argmax(means))]
    return chosen


def _validated(result: Result) -> float:
    return max(float(result["validation_accuracy"]), float(result["validation_chance"]))


def worst_attacks(selected: Sequence[Result], arms: Sequence[str], number: int) -> dict[str, list[Attack]]:
    """Return this many attacks of each arm, the worst first, each at the strength with the least mean accuracy; the
    first of equally bad ones.
    """
    chosen = {}
    for arm in arms:
        cells: dict[Attack, list[float]] = {}
        for r in selected:
            if r["arm"] == arm:
                cells.setdefault((r["attack"], float(r["strength"])), []).append(clipped(r))
        worst_first = sorted(cells, key=lambda cell, cells=cells: float(np.mean(cells[cell])))  # type: ignore[misc]
        strengths: dict[str, float] = {}
        for attack, strength in worst_first:
            strengths.setdefault(attack, strength)
        chosen[arm] = list(strengths.items())[:number]
    return chosen


def of_attacks(results: Sequence[Result], attacks: Mapping[str, Sequence[Attack]]) -> list[Result]:
    """Return the results under these attacks of their arms."""
    return [r for r in results if (r["attack"], float(r["strength"])) in attacks[r["arm"]]]


def accuracies(
    selected: Sequence[Result], evaluated: Sequence[Result], attacks: Mapping[str, Sequence[Attack]]
) -> Accuracies:
    """Return the accuracies of each arm under its own attacks, in their order: attack k is each arm's k-th."""
    number = len(next(iter(attacks.values())))
    ranks = tuple(f"attack {k + 1}" for k in range(number))
    tables = [
        {arm: np.stack([_by_seed(results, arm, cell) for cell in of_arm])[:, None] for arm, of_arm in attacks.items()}
        for results in (selected, evaluated)
    ]
    return Accuracies(ranks, ("random",), *tables)


def without_attack(evaluated: Sequence[Result], arm: str) -> Floats:
    """Return the arm's accuracies without attack (seeds,)."""
    return _by_seed(evaluated, arm, NO_ATTACK)


def _by_seed(results: Sequence[Result], arm: str, cell: Attack) -> Floats:
    of_cell = [r for r in results if r["arm"] == arm and (r["attack"], float(r["strength"])) == cell]
    return np.array([clipped(r) for r in sorted(of_cell, key=lambda r: int(r["seed"]))])


def worst_case(found: Accuracies, arm: str) -> tuple[int, float]:
    """Return the number of the arm's attack with the least mean over the evaluation seeds, and this mean."""
    means = found.evaluated[arm].mean(axis=(1, 2))
    return int(np.argmin(means)), float(means.min())


@dataclass(frozen=True, kw_only=True)
class RuleGain:
    """Worst case of `of` minus that of `over`, in accuracy: the best of others by its figure. low, high: 95 %. p:
    one-sided, of no gain (see `studies.headline.statistics.Gain`).
    """

    of: str
    over: str
    estimate: float
    low: float
    high: float
    p: float


def rule_gain(
    found: Accuracies, of: str, others: Sequence[str], generator: np.random.Generator, *, largest: float = 1.0
) -> RuleGain:
    """Return the claimant's gain over the best of the others; the module says how it is computed. largest: that a
    difference can be.
    """
    bounds = gain(found, of, others, generator, largest=largest)
    over = max(others, key=lambda arm: worst_case(found, arm)[1])
    estimate = worst_case(found, of)[1] - worst_case(found, over)[1]
    return RuleGain(of=of, over=over, estimate=estimate, low=bounds.low, high=bounds.high, p=bounds.p)
