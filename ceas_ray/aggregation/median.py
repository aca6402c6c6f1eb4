"""The coordinate-wise median."""

from __future__ import annotations

from dataclasses import dataclass

from ceas_ray.aggregation.column_shares import median_shares
from ceas_ray.aggregation.rule import Floats, check_rows
from ceas_ray.aggregation.sorted_columns import medians


@dataclass(frozen=True)
class Median:
    """The median of each coordinate: midway between the two middle values where the rows are even in number."""

    def __call__(self, updates: Floats, weights: Floats, faults: int) -> Floats:
        """See `Rule`."""
        check_rows(updates, weights, faults)
        return medians(updates)

    def effective_weights(self, updates: Floats, weights: Floats, faults: int) -> Floats:
        """See `Weighing`: a row's share of the middle values."""
        return median_shares(updates)
