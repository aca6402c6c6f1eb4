"""Divide and conquer, DnC (Shejwalkar and Houmansadr, NDSS 2021)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from numpy.typing import NDArray

from ceas_ray.aggregation.rule import Floats, check_rows
from ceas_ray.aggregation.spectral_filter import top_direction
from ceas_ray.kernel.ranges import Range


@dataclass(frozen=True)
class DivideAndConquer:
    """The mean of the rows without those `removed` * f that project farthest on the top right singular vector.

    All coordinates enter: the paper samples 10,000 of them at random, which more dimensions than that would need.
    """

    removed: Annotated[float, Range(0, 10)] = 1.0

    def __call__(self, updates: Floats, weights: Floats, faults: int) -> Floats:
        """See `Rule`."""
        check_rows(updates, weights, faults)
        return np.mean(updates[self._kept(updates, faults)], axis=0)

    def effective_weights(self, updates: Floats, weights: Floats, faults: int) -> Floats:
        """See `Weighing`: zero for the rows that are removed."""
        shares, kept = np.zeros(len(updates)), self._kept(updates, faults)
        shares[kept] = 1 / len(kept)
        return shares

    def _kept(self, updates: Floats, faults: int) -> NDArray[np.int64]:
        """Return the numbers of the rows that are not removed, ascending."""
        rows = len(updates)
        centred = updates - np.mean(updates, axis=0)
        gram = centred @ centred.T
        _, scores = top_direction((gram + gram.T) / 2, np.ones(rows))
        kept = np.argsort(scores, kind="stable")[: max(1, rows - int(np.ceil(self.removed * faults)))]
        return np.sort(kept)
