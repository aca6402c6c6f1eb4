"""The geometric median, and Weiszfeld's iteration in the coefficients of the rows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ceas_ray.aggregation.rule import Floats, check_rows, squared_distances

TOLERANCE = 1e-10
MAX_STEPS = 2000
ROUNDING = 1e-15


@dataclass(frozen=True)
class GeometricMedian:
    """The point with the least sum of distances to all rows, converged (see `median_coefficients`)."""

    def __call__(self, updates: Floats, weights: Floats, faults: int) -> Floats:
        """See `Rule`."""
        check_rows(updates, weights, faults)
        return self.effective_weights(updates, weights, faults) @ updates

    def effective_weights(self, updates: Floats, weights: Floats, faults: int) -> Floats:
        """See `Weighing`: zero for all rows but one only where that row is the median."""
        equal = np.full(len(updates), 1 / len(updates))
        return median_coefficients(squared_distances(updates), equal)


def median_coefficients(squared: Floats, weights: Floats) -> Floats:
    """Return coefficients a (n,), sum 1, such that a @ rows is the weighted geometric median; squared: distances (n,
    n).

    The median lies in the hull of the rows, and |x_k - a @ x|^2 = (D a)_k - a D a / 2: a step costs n^2, whatever the
    dimension. If the median is a row, that is found first, exactly. Else Weiszfeld's iteration from the weighted mean,
    with the step of Vardi and Zhang (PNAS 2000) where it meets a row, until the coefficients move by at most TOLERANCE
    in all (or MAX_STEPS).
    """
    resting = _resting_row(squared, weights)
    if resting is not None:
        return (np.arange(len(weights)) == resting).astype(np.float64)
    point = weights
    for _ in range(MAX_STEPS):
        towards = squared @ point
        spread = float(point @ towards)
        distances = np.maximum(towards - 0.5 * spread, 0.0)
        met = distances <= ROUNDING * spread
        pull = np.where(met, 0.0, weights / np.sqrt(np.where(met, 1.0, distances)))
        target = pull / np.sum(pull)
        if met.any():
            step = target - point
            force = float(np.sum(pull)) * float(np.sqrt(max(-0.5 * (step @ squared @ step), 1e-300)))
            stay = min(1.0, float(np.sum(weights[met])) / force)
            target = (1 - stay) * target + stay * point
        moved = float(np.sum(np.abs(target - point)))
        point = target
        if moved <= TOLERANCE:
            break
    return point


def _resting_row(squared: Floats, weights: Floats) -> int | None:
    """Return the lowest row that is the median, if one is: |sum_i w_i u_i| <= its weight, u_i the unit vectors from it.

    |sum_i c_i (x_i - x_k)|^2 = s sum_i c_i D_ik - c D c / 2 with c_i = w_i / |x_i - x_k| and s their sum.
    """
    apart = squared > 0
    pulls = np.where(apart, weights[:, None] / np.sqrt(np.where(apart, squared, 1.0)), 0.0)
    forces = np.sum(pulls, axis=0) * np.sum(pulls * squared, axis=0) - 0.5 * np.sum(pulls * (squared @ pulls), axis=0)
    here = weights @ ~apart
    rests = np.flatnonzero((forces <= here**2) & (weights > 0))
    return int(rests[0]) if len(rests) else None
