"""Min-max (Shejwalkar and Houmansadr, NDSS 2021)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ceas_ray.attacks.attack import Attack, Floats, Knowledge, Seen, Strength
from ceas_ray.attacks.perturbation import Direction, check_direction, pairwise_squared_distances, perturbation


@dataclass(frozen=True)
class MinMax(Attack):
    """All colluders send mean + strength * gamma * p, gamma the largest with which no known row is farther from it than
    the two farthest known rows are from each other; the paper searches gamma, here it is the root of a quadratic."""

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
    """gamma: the least over the rows of the larger root of |mean + gamma p - x_i|^2 = R^2; 0 where p is 0."""
    square = float(p @ p)
    if square == 0:
        return 0.0
    offsets = np.mean(rows, axis=0) - rows
    along, reach = offsets @ p, float(np.max(pairwise_squared_distances(rows)))
    excess = np.einsum("kd,kd->k", offsets, offsets) - reach
    return float(np.min(-along + np.sqrt(np.maximum(along**2 - square * excess, 0.0)))) / square
