"""The plain mean."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ceas_ray.aggregation.rule import Floats, check_rows


@dataclass(frozen=True)
class Mean:
    """The mean of all rows, whatever their weights."""

    MAX_FAULTY_SHARE: ClassVar[float] = 0.0

    def __call__(self, updates: Floats, weights: Floats, faults: int) -> Floats:
        """See `Rule`."""
        check_rows(updates, weights, faults)
        return np.mean(updates, axis=0)

    def effective_weights(self, updates: Floats, weights: Floats, faults: int) -> Floats:
        """See `Weighing`: the same for all."""
        return np.full(len(updates), 1 / len(updates))
