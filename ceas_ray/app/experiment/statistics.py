"""From results to what is claimed: selected on some seeds, evaluated on fresh ones, with intervals over seeds.

An arm's learning rate is the one with the best mean accuracy on the validation sets of the selection seeds, in runs of
their own. Its strength for an attack and placement is the one with the least mean accuracy on the selection seeds. Its
worst case is the attack and placement that is least there, and the best robust baseline is the one whose worst case is
best there. All of them are then taken on the evaluation seeds, which are the same for all arms. The bootstrap draws
both sets of seeds anew and repeats the choice of worst cases and baseline; strengths stay. Accuracies below chance
count as chance.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Result = Mapping[str, Any]
MOST_EXACT_FLIPS = 12


def clipped(result: Result) -> float:
    """Accuracy, at least chance."""
    return max(float(result["accuracy"]), float(result["chance"]))


def best_rates(results: Sequence[Result], arms: Sequence[str]) -> dict[str, float]:
    """The learning rate of each arm with the best mean validation accuracy; the lower of equally good ones."""
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
    """Validation accuracy, at least the validation set's chance."""
    return max(float(result["validation_accuracy"]), float(result["validation_chance"]))


def worst_strengths(results: Sequence[Result]) -> dict[tuple[str, str, str], float]:
    """By (arm, attack, placement): the strength with the least mean accuracy; the first of equally bad ones."""
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
        """From all results of a scenario."""
        attacks = tuple(dict.fromkeys(r["attack"] for r in evaluation))
        placements = tuple(dict.fromkeys(r["placement"] for r in evaluation))
        at_worst = [r for r in selection if r["strength"] == strengths[r["arm"], r["attack"], r["placement"]]]
        selected, evaluated = (_by_arm(results, attacks, placements) for results in (at_worst, evaluation))
        return Accuracies(attacks, placements, selected, evaluated)

    def worst(self, arm: str, seeds: NDArray[np.int64] | None = None) -> tuple[int, int]:
        """The attack and placement (numbers) with the least mean on the selection seeds."""
        selected = self.selected[arm] if seeds is None else self.selected[arm][..., seeds]
        attack, placement = np.unravel_index(int(np.argmin(selected.mean(axis=2))), selected.shape[:2])
        return int(attack), int(placement)

    def best_of(self, arms: Sequence[str], seeds: NDArray[np.int64] | None = None) -> str:
        """The arm whose worst case is best on the selection seeds; the first of equally good ones."""
        means = []
        for arm in arms:
            selected = self.selected[arm] if seeds is None else self.selected[arm][..., seeds]
            means.append(float(selected.mean(axis=2).min()))
        return arms[int(np.argmax(means))]

    def restricted(self, attack: int) -> Accuracies:
        """Of one attack alone."""
        cut = slice(attack, attack + 1)
        return Accuracies(
            (self.attacks[attack],), self.placements, {arm: values[cut] for arm, values in self.selected.items()},
            {arm: values[cut] for arm, values in self.evaluated.items()},
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


@dataclass(frozen=True)
class Gain:
    """Worst case of one arm minus worst case of another, in accuracy: mean over evaluation seeds, 95 % bootstrap
    interval, one-sided p of no gain (signs of the paired differences flipped)."""

    of: str
    over: str
    worst_of: tuple[str, str]
    worst_over: tuple[str, str]
    mean: float
    low: float
    high: float
    p: float

    @property
    def significant(self) -> bool:
        """Whether the interval lies above 0."""
        return self.low > 0


def gain(found: Accuracies, of: str, over: Sequence[str], resamples: int, generator: np.random.Generator) -> Gain:
    """See the module: `over` are the arms of which the best is taken."""
    against = found.best_of(over)
    mine, its = found.worst(of), found.worst(against)
    differences = found.evaluated[of][mine] - found.evaluated[against][its]
    selection_seeds = found.selected[of].shape[2]
    drawn = np.empty(resamples)
    for b in range(resamples):
        chosen = generator.integers(selection_seeds, size=(selection_seeds,))
        fresh = generator.integers(len(differences), size=len(differences))
        other = found.best_of(over, chosen)
        mine_b, its_b = found.worst(of, chosen), found.worst(other, chosen)
        drawn[b] = np.mean(found.evaluated[of][mine_b][fresh] - found.evaluated[other][its_b][fresh])
    low, high = (float(q) for q in np.quantile(drawn, [0.025, 0.975]))

    def words(cell: tuple[int, int]) -> tuple[str, str]:
        return found.attacks[cell[0]], found.placements[cell[1]]

    return Gain(
        of, against, words(mine), words(its), float(differences.mean()), low, high, sign_flip_p(differences, generator)
    )


def sign_flip_p(differences: Floats, generator: np.random.Generator) -> float:
    """One-sided p of mean <= 0: the share of sign patterns whose mean is at least the observed one (exact up to 12)."""
    count = len(differences)
    if count <= MOST_EXACT_FLIPS:
        signs = np.array(list(itertools.product((1.0, -1.0), repeat=count)))
    else:
        signs = np.vstack([np.ones(count), generator.choice([1.0, -1.0], (9999, count))])
    return float(np.mean(signs @ differences >= differences.sum() - 1e-12))


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjusted p (Holm 1979), in the given order."""
    order, adjusted, least = np.argsort(p_values, kind="stable"), [0.0] * len(p_values), 0.0
    for rank, k in enumerate(order):
        least = max(least, min(1.0, (len(p_values) - rank) * p_values[k]))
        adjusted[k] = least
    return adjusted


@dataclass(frozen=True)
class Difference:
    """A paired difference in accuracy at one attack and placement, each side at its worst strength.

    mean: over evaluation seeds; low, high: 95 % bootstrap interval; one_sided: the lower 95 % bound.
    """

    attack: str
    placement: str
    mean: float
    low: float
    high: float
    one_sided: float

    @staticmethod
    def of(attack: str, placement: str, values: Floats, resamples: int, generator: np.random.Generator) -> Difference:
        """From the differences of all seeds."""
        drawn = generator.choice(values, (resamples, len(values))).mean(axis=1)
        low, one_sided, high = (float(q) for q in np.quantile(drawn, [0.025, 0.05, 0.975]))
        return Difference(attack, placement, float(values.mean()), low, high, one_sided)


def by_cell(found: Accuracies, of: str, over: str, resamples: int, generator: np.random.Generator) -> list[Difference]:
    """One arm minus another under every attack and placement, for non-inferiority."""
    return [
        Difference.of(attack, placement, found.evaluated[of][a, p] - found.evaluated[over][a, p], resamples, generator)
        for a, attack in enumerate(found.attacks)
        for p, placement in enumerate(found.placements)
    ]


def gain_of_lying(
    found: Accuracies, arm: str, truth: str, lie: str, resamples: int, generator: np.random.Generator
) -> list[Difference]:
    """What colluders win if they also lie: accuracy under `truth` minus accuracy under `lie`, by placement; empty if
    one of the two was not run."""
    if truth not in found.attacks or lie not in found.attacks:
        return []
    honest, lying = (found.evaluated[arm][found.attacks.index(attack)] for attack in (truth, lie))
    return [
        Difference.of(lie, placement, honest[p] - lying[p], resamples, generator)
        for p, placement in enumerate(found.placements)
    ]


def gain_of_best_links(found: Accuracies, arm: str, resamples: int, generator: np.random.Generator) -> list[Difference]:
    """What colluders win if they own the best links: accuracy with them placed at random minus that, by attack; empty
    if one of the two placements was not run."""
    if not {"random", "best_links"} <= set(found.placements):
        return []
    random, best = (found.placements.index(placement) for placement in ("random", "best_links"))
    return [
        Difference.of(attack, "best_links", of_attack[random] - of_attack[best], resamples, generator)
        for attack, of_attack in zip(found.attacks, found.evaluated[arm], strict=True)
    ]
