"""Nearest-neighbour mixing (NNM, arXiv 2302.01772)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ceas_ray.aggregation.rule import Floats, Rule, check_rows, combined, squared_distances


@dataclass(frozen=True)
class NearestNeighborMixing:
    """Replaces each row by the mean of the n - f rows nearest to it (itself included), then applies `rule`."""

    rule: Rule

    def __call__(self, updates: Floats, weights: Floats, faults: int) -> Floats:
        """See `Rule`."""
        check_rows(updates, weights, faults)
        rows = len(updates)
        nearest = np.argsort(squared_distances(updates), axis=1, kind="stable")[:, : rows - faults]
        mixing = np.zeros((rows, rows))
        np.put_along_axis(mixing, nearest, 1 / (rows - faults), axis=1)
        return combined(self.rule, mixing @ updates, weights, faults)
