"""The common part of min-max and min-sum: the row that lies as far from the mean as a bound allows.

Shejwalkar and Houmansadr, NDSS 2021. The paper searches the step; here it is the root of the bound.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from ceas_ray.attacks.attack import Attack, AttackContext, Floats, Knowledge, Strength

Direction = Literal["std", "unit", "sign"]


@dataclass(frozen=True)
class FarthestRow(Attack):
    """All colluders send mean + strength * gamma * p, gamma the largest step that the attack's own bound allows.

    direction: p, one of the paper's three, see `perturbation`. Raises ValueError for another.
    """

    strength: Strength
    direction: Direction
    knowledge: Knowledge

    def __post_init__(self) -> None:
        if self.direction not in get_args(Direction):
            raise ValueError(f"direction must be one of {', '.join(get_args(Direction))}, got {self.direction!r}")

    def __call__(self, seen: AttackContext, generator: np.random.Generator) -> Floats:
        """See `Attack`."""
        rows, p = seen.known, perturbation(seen.known, self.direction)
        step = self.largest_step(rows, p) if p @ p > 0 else 0.0
        return seen.all_send(np.mean(rows, axis=0) + self.strength * step * p)

    @abstractmethod
    def largest_step(self, rows: Floats, p: Floats) -> float:
        """Return gamma >= 0 for known rows (n, d) and a perturbation p (d,) with |p| > 0."""


def perturbation(rows: Floats, direction: Direction) -> Floats:
    """Return minus the deviation of each coordinate (std), minus the unit mean, or minus the mean's signs, (d,)."""
    mean = np.mean(rows, axis=0)
    if direction == "std":
        return -np.std(rows, axis=0)
    if direction == "sign":
        return -np.sign(mean)
    return -mean / max(float(np.linalg.norm(mean)), 1e-300)


def pairwise_squared_distances(rows: Floats) -> Floats:
    """Return |x_i - x_j|^2 of rows (n, d), by differences: shape (n, n)."""
    return np.stack([np.einsum("kd,kd->k", rows - row, rows - row) for row in rows])
