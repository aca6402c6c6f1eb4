"""Nearest-neighbour mixing of weighted rows (after arXiv 2501.09621 and 2302.01772)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np

from ceas_ray.aggregation.rule import (
    Floats,
    Rule,
    check_rows,
    combined,
    effective_weights,
    mass_kept,
    squared_distances,
)
from ceas_ray.kernel.ranges import Range


@dataclass(frozen=True)
class WeightedNearestNeighborMixing:
    """Replaces each row by the weighted mean of its nearest rows until the mass 1 - cap * f / n is covered.

    The last row counts in part. With equal weights and cap 1 it is NNM.
    """

    rule: Rule
    cap: Annotated[float, Range(1, 3)]

    def __call__(self, updates: Floats, weights: Floats, faults: int) -> Floats:
        """See `Rule`; raises ValueError if nothing would be covered."""
        check_rows(updates, weights, faults)
        return combined(self.rule, self._mixing(updates, weights, faults) @ updates, weights, faults)

    def effective_weights(self, updates: Floats, weights: Floats, faults: int) -> Floats | None:
        """See `Weighing`: from the mixed rows that it is in, so seldom zero; None where `rule` gives none."""
        mixing = self._mixing(updates, weights, faults)
        inner = effective_weights(self.rule, mixing @ updates, weights, faults)
        return None if inner is None else inner @ mixing

    def _mixing(self, updates: Floats, weights: Floats, faults: int) -> Floats:
        """Return the share (n, n) of each row, by column, in each mixed row."""
        covered = 1 - self.cap * faults / len(updates)
        if covered <= 0:
            raise ValueError(f"the covered mass must be above 0, got {covered}")
        order = np.argsort(squared_distances(updates), axis=1, kind="stable")
        kept = mass_kept(weights[order], covered)
        mixing = np.zeros((len(updates), len(updates)))
        np.put_along_axis(mixing, order, kept / np.sum(kept, axis=1, keepdims=True), axis=1)
        return mixing
