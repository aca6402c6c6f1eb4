"""Min-max (Shejwalkar and Houmansadr, NDSS 2021)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ceas_ray.attacks.attack import Floats
from ceas_ray.attacks.farthest_row import FarthestRow, pairwise_squared_distances


@dataclass(frozen=True)
class MinMax(FarthestRow):
    """No known row is farther from the sent one than the two farthest known rows are from each other."""

    def largest_step(self, rows: Floats, p: Floats) -> float:
        """Return the least, over the rows x_i (m, d), of the larger root gamma of |mean + gamma p - x_i|^2 = R^2.

        p: direction (d,). R: the largest distance between two rows.
        """
        square = float(p @ p)
        offsets = np.mean(rows, axis=0) - rows
        along, reach = offsets @ p, float(np.max(pairwise_squared_distances(rows)))
        excess = np.einsum("kd,kd->k", offsets, offsets) - reach
        return float(np.min(-along + np.sqrt(np.maximum(along**2 - square * excess, 0.0)))) / square
