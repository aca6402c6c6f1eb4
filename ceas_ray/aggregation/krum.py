"""Krum (Blanchard et al., NeurIPS 2017)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np

from ceas_ray.aggregation.rule import Floats, check_rows, squared_distances
from ceas_ray.kernel.ranges import Range


@dataclass(frozen=True)
class Krum:
    """The row whose n - f - left_out nearest other rows (at least one) are nearest, by the sum of squared distances.

    left_out is 2 in the paper and 1 in ByzFL.
    """

    left_out: Annotated[int, Range(1, 2)] = 2

    def __call__(self, updates: Floats, weights: Floats, faults: int) -> Floats:
        """See `Rule`."""
        check_rows(updates, weights, faults)
        return updates[np.argmin(krum_scores(updates, faults, self.left_out))].copy()

    def effective_weights(self, updates: Floats, weights: Floats, faults: int) -> Floats:
        """See `Weighing`: 1 for the row that is chosen, 0 for all others."""
        chosen = np.argmin(krum_scores(updates, faults, self.left_out))
        return (np.arange(len(updates)) == chosen).astype(np.float64)


def krum_scores(updates: Floats, faults: int, left_out: int) -> Floats:
    """Return the sum of squared distances of each row to its n - f - left_out nearest others, (n,)."""
    distances = squared_distances(updates)
    np.fill_diagonal(distances, -1.0)  # oneself first
    neighbours = max(1, len(updates) - faults - left_out)
    return np.sum(np.sort(distances, axis=1)[:, 1 : neighbours + 1], axis=1)
