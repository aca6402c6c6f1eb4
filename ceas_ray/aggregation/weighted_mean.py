"""The weighted mean (with `qfi` weights: the paper's aggregation)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ceas_ray.aggregation.rule import Floats, check_rows


@dataclass(frozen=True)
class WeightedMean:
    """sum_k w_k g_k."""

    MAX_FAULTY_SHARE: ClassVar[float] = 0.0

    def __call__(self, updates: Floats, weights: Floats, faults: int) -> Floats:
        """See `Rule`."""
        check_rows(updates, weights, faults)
        return weights @ updates

    def effective_weights(self, updates: Floats, weights: Floats, faults: int) -> Floats:
        """See `Weighing`."""
        return weights
