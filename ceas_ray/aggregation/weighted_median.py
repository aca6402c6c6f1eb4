"""The coordinate-wise median of weighted rows."""

from __future__ import annotations

from dataclasses import dataclass

from ceas_ray.aggregation.column_shares import weighted_median_shares
from ceas_ray.aggregation.rule import Floats, check_rows
from ceas_ray.aggregation.sorted_columns import exchanges, weighted_medians


@dataclass(frozen=True)
class WeightedMedian:
    """Takes in each coordinate the value at which the weights, summed in ascending order of the values, pass one half.

    Midway to the next value where one half is met exactly (within 1e-9). With equal weights it is the median.
    """

    def __call__(self, updates: Floats, weights: Floats, faults: int) -> Floats:
        """See `Rule`."""
        check_rows(updates, weights, faults)
        return weighted_medians(updates, weights, exchanges(len(updates)))

    def effective_weights(self, updates: Floats, weights: Floats, faults: int) -> Floats:
        """See `Weighing`: a row's share of the middle values."""
        return weighted_median_shares(updates, weights)
