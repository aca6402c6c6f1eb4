"""Statistics of the experiment on rules: selected on some seeds, evaluated on fresh ones, intervals over seeds.

Learning rates and attacks are chosen as `studies.stages` says.

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
from ceas_ray.studies.headline.statistics import Accuracies, Floats, Result, gain
from ceas_ray.studies.rules.design import NO_ATTACK
from ceas_ray.studies.stages import accuracies_by_seed, accuracies_under


def attack_of(result: Result) -> Attack:
    """Return the attack of a run and its strength."""
    return result["attack"], float(result["strength"])


def rate_of(result: Result) -> float:
    """Return the learning rate of a run."""
    return float(result["learning_rate"])


def accuracies(
    selected: Sequence[Result], evaluated: Sequence[Result], attacks: Mapping[str, Sequence[Attack]]
) -> Accuracies:
    """Return the accuracies of each arm under its own attacks, in their order: attack k is each arm's k-th."""
    ranks = tuple(f"attack {k + 1}" for k in range(len(next(iter(attacks.values())))))
    tables = (accuracies_under(results, attacks, attack_of) for results in (selected, evaluated))
    return Accuracies(ranks, ("random",), *tables)


def without_attack(evaluated: Sequence[Result], arm: str) -> Floats:
    """Return the arm's accuracies without attack (seeds,)."""
    return accuracies_by_seed(evaluated, arm, NO_ATTACK, attack_of)


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
