"""Statistics of the experiment: selected on some seeds, evaluated on fresh ones, with intervals over seeds.

An arm's learning rate is the one with the best mean accuracy on the validation sets of the selection seeds, in runs of
their own. Its strength for an attack and placement is the one with the least mean accuracy on the selection seeds. Its
worst case is the attack and placement that is least there. Everything is then taken on the evaluation seeds, which are
the same for all arms. Accuracies below chance count as chance.

What the selection seeds choose may be wrong, and must not favour the claimant. Of several baselines the one is taken
over which the gain is least on the evaluation seeds. The lower bound of a gain, worst case minus the best of the
baselines' worst cases, is the least of the lower bounds over every attack and placement of the claimant and every
baseline in its selected worst case: the true gain is at least the least of these differences, whatever was selected
(an intersection-union test, Berger 1982, so that no bound needs a correction for their number). For the upper bound
the roles change: the claimant in its selected worst case against every attack and placement of the selected baseline.
Both hold at the stated level where Student's t does for single differences, and are conservative where cells are alike.
Strengths stay those selected.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ceas_ray.reports.intervals import half_widths

Floats = NDArray[np.float64]
Result = Mapping[str, Any]
MAX_EXACT_FLIPS = 12


def clipped(result: Result) -> float:
    """Return accuracy, at least chance."""
    return max(float(result["accuracy"]), float(result["chance"]))


def best_rates(results: Sequence[Result], arms: Sequence[str]) -> dict[str, float]:
    """Return the learning rate of each arm with the best mean validation accuracy; the lower of equally good ones."""
    chosen = {}
    for arm in arms:
        rates = sorted({float(r["learning_rate"]) for r in results if r["arm"] == arm})
        means = [
            np.mean([_validated(r) for r in results if r["arm"] == arm and r["learning_rate"] == rate])
            for rate in rates
        ]
        chosen[arm] = rates[int(np.argmax(means))]
    return chosen


def _validated(result: Result) -> float:
    """Return validation accuracy, at least the validation set's chance."""
    return max(float(result["validation_accuracy"]), float(result["validation_chance"]))


def worst_strengths(results: Sequence[Result]) -> dict[tuple[str, str, str], float]:
    """Return, by (arm, attack, placement), the strength with the least mean accuracy; the first of equally bad ones."""
    cells: dict[tuple[str, str, str], dict[float, list[float]]] = {}
    for r in results:
        of_cell = cells.setdefault((r["arm"], r["attack"], r["placement"]), {})
        of_cell.setdefault(float(r["strength"]), []).append(clipped(r))
    return {
        cell: min(of_cell, key=lambda strength, of_cell=of_cell: float(np.mean(of_cell[strength])))  # type: ignore[misc]
        for cell, of_cell in cells.items()
    }


@dataclass(frozen=True)
class Accuracies:
    """Clipped accuracies at the worst strengths: by arm, arrays (attacks, placements, seeds)."""

    attacks: tuple[str, ...]
    placements: tuple[str, ...]
    selected: Mapping[str, Floats]
    evaluated: Mapping[str, Floats]

    @staticmethod
    def of(
        selection: Sequence[Result], evaluation: Sequence[Result], strengths: Mapping[tuple[str, str, str], float]
    ) -> Accuracies:
        """Collect all results of a scenario."""
        attacks = tuple(dict.fromkeys(r["attack"] for r in evaluation))
        placements = tuple(dict.fromkeys(r["placement"] for r in evaluation))
        at_worst = [r for r in selection if r["strength"] == strengths[r["arm"], r["attack"], r["placement"]]]
        selected, evaluated = (_by_arm(results, attacks, placements) for results in (at_worst, evaluation))
        return Accuracies(attacks, placements, selected, evaluated)

    def worst(self, arm: str) -> tuple[int, int]:
        """Return the attack and placement (numbers) with the least mean on the selection seeds."""
        selected = self.selected[arm]
        attack, placement = np.unravel_index(int(np.argmin(selected.mean(axis=2))), selected.shape[:2])
        return int(attack), int(placement)

    def best_of(self, arms: Sequence[str]) -> str:
        """Return the arm whose worst case is best on the selection seeds; the first of equally good ones."""
        return max(arms, key=lambda arm: float(self.selected[arm].mean(axis=2).min()))

    def restricted(self, attack: int) -> Accuracies:
        """Return the accuracies of one attack alone."""
        chosen = slice(attack, attack + 1)
        return Accuracies(
            (self.attacks[attack],), self.placements, {arm: values[chosen] for arm, values in self.selected.items()},
            {arm: values[chosen] for arm, values in self.evaluated.items()},
        )  # fmt: skip


def _by_arm(results: Sequence[Result], attacks: Sequence[str], placements: Sequence[str]) -> dict[str, Floats]:
    seeds = sorted({r["seed"] for r in results})
    found = {
        arm: np.full((len(attacks), len(placements), len(seeds)), np.nan) for arm in {r["arm"]: 0 for r in results}
    }
    for r in results:
        place = attacks.index(r["attack"]), placements.index(r["placement"]), seeds.index(r["seed"])
        found[r["arm"]][place] = clipped(r)
    assert not any(np.isnan(values).any() for values in found.values()), "a run without a result"
    return found


@dataclass(frozen=True, kw_only=True)
class Gain:
    """Worst case of one arm minus the best worst case of others, in accuracy; see the module.

    over: the one of them over which the mean gain is least. mean: over evaluation seeds, each arm in its selected worst
    case. low, high: 95 % interval. p: one-sided, of no gain: the largest of all differences that decide `low`, each by
    flipping the signs of paired differences.
    """

    of: str
    over: str
    worst_of: tuple[str, str]
    worst_over: tuple[str, str]
    mean: float
    low: float
    high: float
    p: float


def gain(
    found: Accuracies, of: str, over: Sequence[str], generator: np.random.Generator, *, largest: float = 1.0
) -> Gain:
    """See the module: `over` are the arms of which the best is taken. Figures other than accuracies, of which more is
    better, are compared alike; largest: that a difference can be, 1 of accuracies.
    """
    mine, worst = found.worst(of), {arm: found.worst(arm) for arm in over}
    everywhere = {arm: found.evaluated[of] - found.evaluated[arm][worst[arm]] for arm in over}
    means = {arm: float(everywhere[arm][mine].mean()) for arm in over}
    least = min(over, key=means.__getitem__)
    upwards = found.evaluated[of][mine] - found.evaluated[found.best_of(over)]

    def words(cell: tuple[int, int]) -> tuple[str, str]:
        return found.attacks[cell[0]], found.placements[cell[1]]

    return Gain(
        of=of, over=least, worst_of=words(mine), worst_over=words(worst[least]), mean=means[least],
        low=min(float(_low(values, largest=largest).min()) for values in everywhere.values()),
        high=float(_high(upwards, largest=largest).max()),
        p=max(
            sign_flip_p(differences, generator)
            for values in everywhere.values()
            for differences in values.reshape(-1, values.shape[-1])
        ),
    )  # fmt: skip


def _low(differences: Floats, confidence: float = 0.95, largest: float = 1.0) -> Floats:
    """Return lower ends of intervals along the last axis; no difference is below -largest, which is 1 of accuracies."""
    return np.maximum(-largest, differences.mean(axis=-1) - half_widths(differences, confidence))


def _high(differences: Floats, confidence: float = 0.95, largest: float = 1.0) -> Floats:
    return -_low(-differences, confidence, largest)


def sign_flip_p(differences: Floats, generator: np.random.Generator) -> float:
    """Return the one-sided p of mean <= 0: the share of sign patterns whose mean is at least the observed one (exact up
    to 12)."""
    count = len(differences)
    if count <= MAX_EXACT_FLIPS:
        signs = _all_signs(count)
    else:
        signs = np.vstack([np.ones(count), generator.choice([1.0, -1.0], (9999, count))])
    return float(np.mean(signs @ differences >= differences.sum() - 1e-12))


@lru_cache
def _all_signs(count: int) -> Floats:
    return np.array(list(itertools.product((1.0, -1.0), repeat=count)))


def holm(p_values: Sequence[float]) -> list[float]:
    """Return adjusted p (Holm 1979), in the given order."""
    order, adjusted, least = np.argsort(p_values, kind="stable"), [0.0] * len(p_values), 0.0
    for rank, k in enumerate(order):
        least = max(least, min(1.0, (len(p_values) - rank) * p_values[k]))
        adjusted[k] = least
    return adjusted


@dataclass(frozen=True)
class Difference:
    """A paired difference in accuracy at one attack and placement, each side at its worst strength.

    mean: over evaluation seeds; low, high: 95 % interval (Student's t); one_sided_low, one_sided_high: the lower and
    the upper 95 % bound, each alone.
    """

    attack: str
    placement: str
    mean: float
    low: float
    high: float
    one_sided_low: float
    one_sided_high: float

    @staticmethod
    def of(attack: str, placement: str, values: Floats) -> Difference:
        """Summarize the differences of all seeds."""
        ends = _low(values), _high(values), _low(values, 0.90), _high(values, 0.90)
        return Difference(attack, placement, float(values.mean()), *(float(end) for end in ends))


def by_cell(found: Accuracies, of: str, over: str) -> list[Difference]:
    """Return one arm minus another under every attack and placement, for non-inferiority."""
    return [
        Difference.of(attack, placement, found.evaluated[of][a, p] - found.evaluated[over][a, p])
        for a, attack in enumerate(found.attacks)
        for p, placement in enumerate(found.placements)
    ]


def gain_of_lying(found: Accuracies, arm: str, truth: str, lie: str) -> list[Difference]:
    """Return what colluders win if they also lie: accuracy under `truth` minus accuracy under `lie`, by placement;
    empty if one of the two was not run."""
    if truth not in found.attacks or lie not in found.attacks:
        return []
    honest, lying = (found.evaluated[arm][found.attacks.index(attack)] for attack in (truth, lie))
    return [Difference.of(lie, placement, honest[p] - lying[p]) for p, placement in enumerate(found.placements)]


def gain_of_best_links(found: Accuracies, arm: str) -> list[Difference]:
    """Return what colluders win if they own the best links: accuracy with them placed at random minus that, by attack;
    empty if one of the two placements was not run."""
    if not {"random", "best_links"} <= set(found.placements):
        return []
    random, best = (found.placements.index(placement) for placement in ("random", "best_links"))
    return [
        Difference.of(attack, "best_links", of_attack[random] - of_attack[best])
        for attack, of_attack in zip(found.attacks, found.evaluated[arm], strict=True)
    ]
