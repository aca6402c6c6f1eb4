"""The coordinate-wise trimmed mean of weighted rows (after arXiv 2501.09621)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from ceas_ray.aggregation.column_shares import weighted_trimmed_shares
from ceas_ray.aggregation.rule import Floats, check_rows
from ceas_ray.aggregation.sorted_columns import exchanges, weighted_trimmed_means
from ceas_ray.kernel.ranges import Range


@dataclass(frozen=True)
class WeightedTrimmedMean:
    """Drops in each coordinate the mass cap * f / n at both ends, border rows partly; the mean of the rest by weight.

    `cap` is the bound on a row's weight in units of 1 / n, so that f rows never weigh more than what is dropped. With
    equal weights and cap 1 it is the trimmed mean.
    """

    cap: Annotated[float, Range(1, 3)]

    def __call__(self, updates: Floats, weights: Floats, faults: int) -> Floats:
        """See `Rule`; raises ValueError if nothing would be left."""
        check_rows(updates, weights, faults)
        return weighted_trimmed_means(updates, weights, exchanges(len(updates)), self._trim(len(updates), faults))

    def effective_weights(self, updates: Floats, weights: Floats, faults: int) -> Floats:
        """See `Weighing`: zero for a row that is trimmed in every coordinate."""
        return weighted_trimmed_shares(updates, weights, self._trim(len(updates), faults))

    def _trim(self, rows: int, faults: int) -> float:
        trim = self.cap * faults / rows
        if trim >= 0.5:
            raise ValueError(f"the trimmed mass must be below 1/2, got {trim}")
        return trim
