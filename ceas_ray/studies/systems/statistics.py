"""Statistics of the experiments on whole systems.

As in `studies.rules.statistics`, but an arm has a number of circuits a round beside its learning rate, chosen together
by the mean of the two least validation accuracies without attack and under the screening attacks, and a condition is an
attack at a strength and a placement of the colluders. Bounds of a comparison are those of `rule_gain`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from ceas_ray.reports.intervals import half_widths
from ceas_ray.studies.awareness.design import Setting
from ceas_ray.studies.headline.statistics import Accuracies, Floats, Result, clipped
from ceas_ray.studies.rules.statistics import LEAST
from ceas_ray.studies.systems.design import NO_ATTACK, Condition


def chosen_settings(tuned: Sequence[Result], arms: Sequence[str]) -> dict[str, Setting]:
    """Return the circuits a round and the learning rate of each arm; the lower of equally good ones."""
    chosen = {}
    for arm in arms:
        of_arm = [r for r in tuned if r["arm"] == arm]
        settings = sorted({_setting(r) for r in of_arm})
        means = [np.mean(sorted(_validated(r) for r in of_arm if _setting(r) == s)[:LEAST]) for s in settings]
        chosen[arm] = settings[int(np.argmax(means))]
    return chosen


def _setting(result: Result) -> Setting:
    return int(result["circuits"]), float(result["learning_rate"])


def _validated(result: Result) -> float:
    return max(float(result["validation_accuracy"]), float(result["validation_chance"]))


def condition_of(result: Result) -> Condition:
    """Return the attack of a run, its strength and the placement of the colluders."""
    return result["attack"], float(result["strength"]), result["placement"]


def worst_conditions(selected: Sequence[Result], arms: Sequence[str], number: int) -> dict[str, list[Condition]]:
    """Return this many conditions of each arm, the worst first, each attack and placement at the strength with the
    least mean accuracy; the first of equally bad ones.
    """
    chosen = {}
    for arm in arms:
        cells: dict[Condition, list[float]] = {}
        for r in selected:
            if r["arm"] == arm:
                cells.setdefault(condition_of(r), []).append(clipped(r))
        means = {cell: float(np.mean(values)) for cell, values in cells.items()}
        worst: dict[tuple[str, str], Condition] = {}
        for cell in sorted(means, key=means.__getitem__):
            worst.setdefault((cell[0], cell[2]), cell)
        chosen[arm] = list(worst.values())[:number]
    return chosen


def of_conditions(results: Sequence[Result], conditions: Mapping[str, Sequence[Condition]]) -> list[Result]:
    """Return the results under these conditions of their arms."""
    return [r for r in results if condition_of(r) in conditions[r["arm"]]]


def accuracies(
    selected: Sequence[Result], evaluated: Sequence[Result], conditions: Mapping[str, Sequence[Condition]]
) -> Accuracies:
    """Return the accuracies of each arm under its own conditions, in their order: the k-th is each arm's k-th."""
    number = len(next(iter(conditions.values())))
    tables = [
        {
            arm: np.stack([_by_seed(results, arm, cell) for cell in of_arm])[:, None]
            for arm, of_arm in conditions.items()
        }
        for results in (selected, evaluated)
    ]
    return Accuracies(tuple(f"condition {k + 1}" for k in range(number)), ("own",), *tables)


def _by_seed(results: Sequence[Result], arm: str, cell: Condition) -> Floats:
    of_cell = [r for r in results if r["arm"] == arm and condition_of(r) == cell]
    return np.array([clipped(r) for r in sorted(of_cell, key=lambda r: int(r["seed"]))])


def without_attack(evaluated: Sequence[Result], arm: str) -> list[Result]:
    """Return the arm's results without attack, by seed."""
    unharmed = [r for r in evaluated if r["arm"] == arm and condition_of(r) == NO_ATTACK]
    return sorted(unharmed, key=lambda r: int(r["seed"]))


@dataclass(frozen=True, kw_only=True)
class VarianceGain:
    """What an arm's weights gain in variance over equal ones, mean over seeds, beside 1 + cv^2 of contrasts and the
    most that weights can gain; low, high: 95 % (Student's t) of gain - (1 + cv^2), which is `excess`.
    """

    arm: str
    contrast_cv: float
    gain: float
    bound: float
    most: float
    excess: float
    low: float
    high: float


def variance_gain(evaluated: Sequence[Result], arm: str) -> VarianceGain | None:
    """Return the gain in variance of the arm's weights without attack; None where it was not measured in every run."""
    unharmed = without_attack(evaluated, arm)
    if any(r["variance_gain"] is None for r in unharmed):
        return None
    gains, most, cvs = (
        np.array([float(r[name]) for r in unharmed]) for name in ("variance_gain", "optimal_gain", "contrast_cv")
    )
    excess = gains - (1 + cvs**2)
    mean, width = float(excess.mean()), float(half_widths(excess, 0.95))
    return VarianceGain(
        arm=arm, contrast_cv=float(cvs.mean()), gain=float(gains.mean()), bound=float((1 + cvs**2).mean()),
        most=float(most.mean()), excess=mean, low=mean - width, high=mean + width,
    )  # fmt: skip


def as_rows(gains: Sequence[VarianceGain | None]) -> list[dict[str, Any]]:
    """Return those that were measured as plain values."""
    return [asdict(value) for value in gains if value is not None]
