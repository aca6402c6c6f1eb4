"""The covariance-bound agnostic filter, CAF (Allouah et al., arXiv 2505.01874)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ceas_ray.aggregation.rule import Floats, check_rows
from ceas_ray.aggregation.sorted_columns import medians
from ceas_ray.aggregation.spectral_filter import top_direction


@dataclass(frozen=True)
class CovarianceFilter:
    """Filters as long as more than n - 2 f of weight is left, and returns the mean with the least top eigenvalue.

    It needs no bound on the noise of honest rows, and takes all rows as equal.
    """

    def __call__(self, updates: Floats, weights: Floats, faults: int) -> Floats:
        """See `Rule`."""
        check_rows(updates, weights, faults)
        centre = medians(updates)
        deviations = updates - centre
        best = _filtered(deviations, faults)
        return centre + best @ deviations / np.sum(best)

    def effective_weights(self, updates: Floats, weights: Floats, faults: int) -> Floats:
        """See `Weighing`: zero for a row that was filtered out before the spectrum was at its best."""
        best = _filtered(updates - medians(updates), faults)
        return best / np.sum(best)


def _filtered(deviations: Floats, faults: int) -> Floats:
    """Return the votes (n,) with which the top eigenvalue is least. deviations: of the rows from any centre, (n, d)."""
    rows = len(deviations)
    gram = deviations @ deviations.T
    votes, best, smallest = np.ones(rows), np.ones(rows), np.inf
    while np.sum(votes) > rows - 2 * faults:
        eigenvalue, scores = top_direction((gram + gram.T) / 2, votes)
        if eigenvalue < smallest:
            smallest, best = eigenvalue, votes
        largest = float(np.max(scores[votes > 0]))
        if largest <= 0:
            break
        votes = np.clip(votes * (1 - scores / largest), 0.0, None)
    return best
