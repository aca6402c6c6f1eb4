"""Min-sum (Shejwalkar and Houmansadr, NDSS 2021)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ceas_ray.attacks.attack import Floats
from ceas_ray.attacks.farthest_row import FarthestRow, pairwise_squared_distances


@dataclass(frozen=True)
class MinSum(FarthestRow):
    """The sent row's squared distances to the known rows sum to no more than those of a known row to the others."""

    def largest_step(self, rows: Floats, p: Floats) -> float:
        """Return gamma >= 0 of m |p|^2 gamma^2 + sum_i |mean - x_i|^2 = max_i sum_j |x_i - x_j|^2.

        x_i: rows (m, d). p: direction (d,).
        """
        square = float(p @ p)
        most = float(np.max(np.sum(pairwise_squared_distances(rows), axis=1)))
        spread = float(np.sum((rows - np.mean(rows, axis=0)) ** 2))
        return float(np.sqrt(max(most - spread, 0.0) / (len(rows) * square)))
