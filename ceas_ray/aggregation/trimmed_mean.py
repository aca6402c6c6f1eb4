"""The coordinate-wise trimmed mean."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ceas_ray.aggregation.column_shares import trimmed_shares
from ceas_ray.aggregation.rule import Floats, check_rows


@dataclass(frozen=True)
class TrimmedMean:
    """Drops in each coordinate the `faults` smallest and largest values, and takes the mean of the rest."""

    def __call__(self, updates: Floats, weights: Floats, faults: int) -> Floats:
        """See `Rule`."""
        check_rows(updates, weights, faults)
        ordered = np.sort(updates, axis=0)
        return np.mean(ordered[faults : len(updates) - faults], axis=0)

    def effective_weights(self, updates: Floats, weights: Floats, faults: int) -> Floats:
        """See `Weighing`: zero for a row that is trimmed in every coordinate."""
        return trimmed_shares(updates, faults)
