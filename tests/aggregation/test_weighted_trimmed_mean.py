"""The coordinate-wise trimmed mean of weighted rows."""

from __future__ import annotations

import numpy as np
import pytest

from ceas_ray.aggregation.weighted_trimmed_mean import WeightedTrimmedMean
from tests.aggregation.worked_examples import ROWS


def test_a_border_row_is_dropped_in_part() -> None:
    """A fifth of the mass goes at both ends: of 1 (mass .3) a tenth is left, of 100 (mass .1) and 3 (mass .2) half."""
    weights = np.array([0.3, 0.2, 0.2, 0.2, 0.1])
    found = WeightedTrimmedMean(1.0)(ROWS, weights, 1)[0]
    assert found == pytest.approx((0.1 * 1 + 0.4 * 2 + 0.1 * 3) / 0.6)


def test_a_cap_drops_more_and_one_that_leaves_nothing_is_refused() -> None:
    weights = np.array([0.3, 0.2, 0.2, 0.2, 0.1])
    assert WeightedTrimmedMean(1.5)(ROWS, weights, 1)[0] == pytest.approx(2.0)
    with pytest.raises(ValueError, match=r"the trimmed mass must be below 1/2, got 0\.6"):
        WeightedTrimmedMean(1.5)(ROWS, weights, 2)
