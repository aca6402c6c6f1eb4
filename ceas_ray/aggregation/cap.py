"""The cap on weights: what a Byzantine processor can gain by owning the best link."""

from __future__ import annotations

import math

import numpy as np

from ceas_ray.aggregation.rule import Floats


def cap_for(requested: float, faults: int, rows: int) -> float:
    """Return the cap kappa that may be used: kappa f / n <= min(1/3, f/n + 0.05), and 1 where f / n > 0.3 (ours)."""
    share = faults / rows
    if share > 0.3:
        return 1.0
    if faults == 0:
        return requested
    return max(1.0, min(requested, min(1 / 3, share + 0.05) / share))


def capped(weights: Floats, cap: float) -> Floats:
    """Return the weights (n,) with none above cap / n: the excess goes to the others in proportion (water-filling).

    At least ceil(n / cap) rows carry weight: where fewer have any, the rest is shared equally among the others.
    """
    rows = len(weights)
    max_weight = cap / rows
    result = weights.copy()
    for _ in range(rows):
        over = result > max_weight
        if not over.any():
            break
        result[over] = max_weight
        free = result < max_weight
        rest = 1 - float(np.sum(result[over])) - float(np.sum(result[~over & ~free]))
        carried = float(np.sum(result[free]))
        if carried > 0:
            result[free] *= rest / carried
        else:
            result[free] = rest / max(1, int(np.count_nonzero(free)))
    assert np.count_nonzero(result) >= math.ceil(rows / cap - 1e-9) or cap >= rows, "too few rows carry weight"
    return result / np.sum(result)
