"""The coordinate-wise trimmed mean of weighted rows (after arXiv 2501.09621)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ceas_ray.aggregation.rule import Floats, checked, mass_kept


@dataclass(frozen=True)
class WeightedTrimmedMean:
    """In each coordinate drops the mass cap * f / n at both ends, border rows partly; the mean of the rest by weight.

    `cap` is the bound on a row's weight in units of 1 / n, so that f rows never weigh more than what is dropped. With
    equal weights and cap 1 it is the trimmed mean.
    """

    cap: float

    def __call__(self, updates: Floats, weights: Floats, faults: int) -> Floats:
        """See `Rule`; ValueError if nothing would be left."""
        checked(updates, weights, faults)
        trim = self.cap * faults / len(updates)
        if trim >= 0.5:
            raise ValueError(f"the trimmed mass must be below 1/2, got {trim}")
        order = np.argsort(updates, axis=0, kind="stable")
        values = np.take_along_axis(updates, order, axis=0)
        by_rank = weights[order].T
        kept = mass_kept(by_rank, 1 - trim) - mass_kept(by_rank, trim)
        return np.sum(kept.T * values, axis=0) / np.sum(kept, axis=1)
