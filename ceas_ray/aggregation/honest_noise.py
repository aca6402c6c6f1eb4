"""The noise of honest rows, read off the rows themselves (ours).

At least n - f of n rows are honest, so at least (n - f)(n - f - 1) / 2 of all pairs are: about half of those lie
nearer to each other than the quantile q = (n - f)(n - f - 1) / (2 n (n - 1)) of all distances, and colluders who come
nearer still push the quantile down, never up beyond what honest pairs are apart.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from scipy.special import gammaincinv

from ceas_ray.aggregation.rule import Floats

ROBUST_SHARE = 0.4
"""Above this share the copies of colluders alone would make up the quantile."""


def chi_square_quantile(probability: float, dimension: int) -> float:
    """Return the quantile of the chi-square distribution with `dimension` degrees of freedom."""
    return float(2.0 * gammaincinv(dimension / 2.0, probability))


def middle_distance(distances: Floats, faults: int) -> float:
    """Return a squared distance near the median of those between honest rows.

    distances: squared, (n, n). Raises ValueError for more than 0.4 n faults.
    """
    rows = len(distances)
    if faults > ROBUST_SHARE * rows:
        raise ValueError(f"faults must be at most {ROBUST_SHARE} of {rows} rows, got {faults}")
    honest = rows - faults
    pairs = distances[_upper(rows)]
    return _quantile(pairs, 0.5 * honest * (honest - 1) / (rows * (rows - 1))) if len(pairs) else 0.0


@lru_cache(maxsize=8)
def _upper(rows: int) -> tuple[Any, ...]:
    """Return where every pair of rows stands once in a matrix, kept because it takes long to find."""
    return np.triu_indices(rows, 1)


def _quantile(values: Floats, share: float) -> float:
    """Return what `np.quantile` does, bit for bit, in a fraction of its time where values are few."""
    place = share * (len(values) - 1)
    below = int(place)
    above = min(below + 1, len(values) - 1)
    near = np.partition(values, (below, above))
    low, high, part = float(near[below]), float(near[above]), place - below
    return high - (high - low) * (1 - part) if part >= 0.5 else low + (high - low) * part
