"""Intervals of means over seeds: Student's t, the one way in which this project prints an interval of a mean.

Bootstrap intervals are not used: where seeds are few, percentile and BCa intervals of 95 % cover half (2 seeds) to nine
tenths (10 seeds), and studentized ones fail below six seeds. Student's t covers 95 % of normal differences at any
number of seeds, 93 % or more of the paired differences of accuracies from three seeds on, and 87 % where single runs
are as skewed as an exponential distribution. Where all seeds agree to the digit it has no width.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

Floats = NDArray[np.float64]
METHOD = "Student's t over seeds"


def half_widths(values: Floats, confidence: float = 0.95) -> Floats:
    """Return half the width (...) of the two-sided interval of the mean of values (..., seeds) along the last axis.

    A one-sided bound of 95 % is the mean -+ the half width at `confidence` 0.90. Raises ValueError for fewer than two
    values.
    """
    count = values.shape[-1]
    if count < 2:
        raise ValueError("an interval needs two values or more")
    deviations: Floats = values.std(axis=-1, ddof=1)
    return deviations * float(stdtrit(count - 1, (1 + confidence) / 2)) / np.sqrt(count)
