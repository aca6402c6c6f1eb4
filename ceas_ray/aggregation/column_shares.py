"""The shares of rows in aggregates that take each coordinate for itself."""

from __future__ import annotations

import numpy as np

from ceas_ray.aggregation.rule import DUST, Floats
from ceas_ray.aggregation.sorted_columns import HALF_MET


def median_shares(updates: Floats) -> Floats:
    """Return the shares (n,) of rows (n, d) in the median of each column: a half for each of the two middle values."""
    rows = len(updates)
    kept = np.zeros(rows)
    kept[(rows - 1) // 2] += 0.5
    kept[rows // 2] += 0.5
    return _mean_shares(_order(updates), np.tile(kept[:, None], updates.shape[1]))


def trimmed_shares(updates: Floats, dropped: int) -> Floats:
    """Return the shares (n,) of rows (n, d) in the mean of each column without its `dropped` values at both ends."""
    kept = np.zeros(updates.shape)
    kept[dropped : len(updates) - dropped] = 1.0
    return _mean_shares(_order(updates), kept)


def weighted_trimmed_shares(updates: Floats, weights: Floats, trim: float) -> Floats:
    """Return the shares (n,) of rows (n, d) in what `weighted_trimmed_means` returns."""
    order = _order(updates)
    mass = weights[order]
    before = np.cumsum(mass, axis=0) - mass
    kept = np.clip(1 - trim - before, 0.0, mass) - np.clip(trim - before, 0.0, mass)
    return _mean_shares(order, np.where(kept > DUST, kept, 0.0))


def weighted_median_shares(updates: Floats, weights: Floats) -> Floats:
    """Return the shares (n,) of rows (n, d) in what `weighted_medians` returns."""
    order = _order(updates)
    mass = np.cumsum(weights[order], axis=0)
    kept, columns = np.zeros(updates.shape), np.arange(updates.shape[1])
    kept[np.argmax(mass >= 0.5 - HALF_MET, axis=0), columns] += 0.5
    kept[np.argmax(mass > 0.5 + HALF_MET, axis=0), columns] += 0.5
    return _mean_shares(order, kept)


def _order(updates: Floats) -> np.ndarray:
    """Return the numbers of the rows in ascending order of their values, of each column; of equal ones the lower
    first."""
    return np.argsort(updates, axis=0, kind="stable")


def _mean_shares(order: np.ndarray, kept: Floats) -> Floats:
    """Return each row's mean share over the columns (n,). kept: mass of each rank in each column, (n, d)."""
    shares = np.empty(kept.shape)
    np.put_along_axis(shares, order, kept / np.sum(kept, axis=0), axis=0)
    return np.asarray(np.mean(shares, axis=1))
