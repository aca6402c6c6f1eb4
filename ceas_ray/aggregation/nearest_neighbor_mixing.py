"""Nearest-neighbour mixing (NNM, arXiv 2302.01772)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ceas_ray.aggregation.rule import Floats, Rule, check_rows, combined, effective_weights, squared_distances


@dataclass(frozen=True)
class NearestNeighborMixing:
    """Replaces each row by the mean of the n - f rows nearest to it (itself included), then applies `rule`."""

    rule: Rule

    def __call__(self, updates: Floats, weights: Floats, faults: int) -> Floats:
        """See `Rule`."""
        check_rows(updates, weights, faults)
        return combined(self.rule, self._mixing(updates, faults) @ updates, weights, faults)

    def effective_weights(self, updates: Floats, weights: Floats, faults: int) -> Floats | None:
        """See `Weighing`: from the mixed rows that it is in, so seldom zero; None where `rule` gives none."""
        mixing = self._mixing(updates, faults)
        inner = effective_weights(self.rule, mixing @ updates, weights, faults)
        return None if inner is None else inner @ mixing

    def _mixing(self, updates: Floats, faults: int) -> Floats:
        """Return the share (n, n) of each row, by column, in each mixed row."""
        rows = len(updates)
        nearest = np.argsort(squared_distances(updates), axis=1, kind="stable")[:, : rows - faults]
        mixing = np.zeros((rows, rows))
        np.put_along_axis(mixing, nearest, 1 / (rows - faults), axis=1)
        return mixing
