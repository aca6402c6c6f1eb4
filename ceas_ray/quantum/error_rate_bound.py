"""An upper bound of an error rate from counts, exact."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaincinv

Floats = NDArray[np.float64]


def error_rate_bound(asked: Floats, wrong: Floats, confidence: float) -> Floats:
    """Return the upper bound of the error rate, one-sided; 1 where nothing was asked or everything was wrong.

    Clopper and Pearson's (Biometrika 26, 1934), a quantile of the beta distribution with `wrong` + 1 and `asked` -
    `wrong`: of independent errors at one rate it covers at least `confidence`, whatever the rate. Counts of a
    forgetting window are not whole. Their sums spread less than whole counts of the same size do, so that the bound
    covers no less as long as the rate stays; where it moved, it is about the window's mean.
    """
    right = asked - wrong
    return np.where(right > 0, betaincinv(wrong + 1, np.where(right > 0, right, 1.0), confidence), 1.0)
