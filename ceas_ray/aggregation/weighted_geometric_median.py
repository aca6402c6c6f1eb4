"""The geometric median of weighted rows."""

from __future__ import annotations

from dataclasses import dataclass

from ceas_ray.aggregation.geometric_median import median_coefficients
from ceas_ray.aggregation.rule import Floats, check_rows, squared_distances


@dataclass(frozen=True)
class WeightedGeometricMedian:
    """The point with the least weighted sum of distances to all rows. With equal weights: the geometric median."""

    def __call__(self, updates: Floats, weights: Floats, faults: int) -> Floats:
        """See `Rule`."""
        check_rows(updates, weights, faults)
        return self.effective_weights(updates, weights, faults) @ updates

    def effective_weights(self, updates: Floats, weights: Floats, faults: int) -> Floats:
        """See `Weighing`: zero for all rows but one only where that row is the median."""
        return median_coefficients(squared_distances(updates), weights)
