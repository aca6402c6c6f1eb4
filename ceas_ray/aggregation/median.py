"""The coordinate-wise median."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ceas_ray.aggregation.rule import Floats, checked


@dataclass(frozen=True)
class Median:
    """The median of each coordinate: midway between the two middle values where the rows are even in number."""

    def __call__(self, updates: Floats, weights: Floats, faults: int) -> Floats:
        """See `Rule`."""
        checked(updates, weights, faults)
        ordered, rows = np.sort(updates, axis=0), len(updates)
        return (ordered[(rows - 1) // 2] + ordered[rows // 2]) / 2
