"""Min-sum (Shejwalkar and Houmansadr, NDSS 2021)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ceas_ray.attacks.attack import Attack, Floats, Knowledge, Seen, Strength
from ceas_ray.attacks.perturbation import Direction, check_direction, pairwise_squared_distances, perturbation


@dataclass(frozen=True)
class MinSum(Attack):
    """All colluders send mean + strength * gamma * p, gamma the largest with which the sum of squared distances to the
    known rows is no more than that of a known row to the others."""

    strength: Strength
    direction: Direction
    knowledge: Knowledge

    def __post_init__(self) -> None:
        check_direction(self.direction)

    def __call__(self, seen: Seen, generator: np.random.Generator) -> Floats:
        """See `Attack`."""
        rows, p = seen.known, perturbation(seen.known, self.direction)
        return seen.all_send(np.mean(rows, axis=0) + self.strength * largest_step(rows, p) * p)


def largest_step(rows: Floats, p: Floats) -> float:
    """gamma from n |p|^2 gamma^2 + sum_i |mean - x_i|^2 = max_i sum_j |x_i - x_j|^2; 0 where p is 0."""
    square = float(p @ p)
    if square == 0:
        return 0.0
    most = float(np.max(np.sum(pairwise_squared_distances(rows), axis=1)))
    spread = float(np.sum((rows - np.mean(rows, axis=0)) ** 2))
    return float(np.sqrt(max(most - spread, 0.0) / (len(rows) * square)))
