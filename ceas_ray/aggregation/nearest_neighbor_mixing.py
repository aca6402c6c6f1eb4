"""Nearest-neighbour mixing (NNM, arXiv 2302.01772)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ceas_ray.aggregation.rule import Floats, Rule, checked, squared_distances


@dataclass(frozen=True)
class NearestNeighborMixing:
    """Replaces each row by the mean of the n - f rows nearest to it (itself included), then applies `rule`.

    Ties go to the lower row.
    """

    rule: Rule

    def __call__(self, updates: Floats, weights: Floats, faults: int) -> Floats:
        """See `Rule`."""
        checked(updates, weights, faults)
        order = np.argsort(squared_distances(updates), axis=1, kind="stable")[:, : len(updates) - faults]
        return self.rule(np.mean(updates[order], axis=1), weights, faults)
