"""Statistics of the experiments on whole systems.

Settings and conditions are chosen as `studies.stages` says: an arm has a number of circuits a round beside its learning
rate, and a condition is an attack at a strength and a placement of the colluders. Bounds of a comparison are those of
`rule_gain`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from ceas_ray.reports.intervals import half_widths
from ceas_ray.studies.awareness.design import Setting
from ceas_ray.studies.headline.statistics import Accuracies, Result
from ceas_ray.studies.stages import accuracies_under
from ceas_ray.studies.systems.design import NO_ATTACK, Condition


def setting_of(result: Result) -> Setting:
    """Return the circuits a round of a run, and its learning rate."""
    return int(result["circuits"]), float(result["learning_rate"])


def condition_of(result: Result) -> Condition:
    """Return the attack of a run, its strength and the placement of the colluders."""
    return result["attack"], float(result["strength"]), result["placement"]


def accuracies(
    selected: Sequence[Result], evaluated: Sequence[Result], conditions: Mapping[str, Sequence[Condition]]
) -> Accuracies:
    """Return the accuracies of each arm under its own conditions, in their order: the k-th is each arm's k-th."""
    ranks = tuple(f"condition {k + 1}" for k in range(len(next(iter(conditions.values())))))
    tables = (accuracies_under(results, conditions, condition_of) for results in (selected, evaluated))
    return Accuracies(ranks, ("own",), *tables)


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
