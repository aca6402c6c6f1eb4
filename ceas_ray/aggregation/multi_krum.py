"""Multi-Krum (Blanchard et al., NeurIPS 2017)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np

from ceas_ray.aggregation.krum import krum_scores
from ceas_ray.aggregation.rule import Floats, check_rows
from ceas_ray.kernel.ranges import Range


@dataclass(frozen=True)
class MultiKrum:
    """The mean of the n - f rows with the least Krum scores; left_out as in `Krum`."""

    left_out: Annotated[int, Range(1, 2)] = 2

    def __call__(self, updates: Floats, weights: Floats, faults: int) -> Floats:
        """See `Rule`."""
        check_rows(updates, weights, faults)
        return self.effective_weights(updates, weights, faults) @ updates

    def effective_weights(self, updates: Floats, weights: Floats, faults: int) -> Floats:
        """See `Weighing`: zero for the f rows that are left out."""
        best = np.argsort(krum_scores(updates, faults, self.left_out), kind="stable")[: len(updates) - faults]
        shares = np.zeros(len(updates))
        shares[best] = 1 / len(best)
        return shares
