"""The weighted mean."""

from __future__ import annotations

import numpy as np

from ceas_ray.aggregation.weighted_mean import WeightedMean
from tests.aggregation.worked_examples import ROWS


def test_each_row_counts_by_its_weight() -> None:
    weights = np.array([0.5, 0.25, 0.25, 0.0, 0.0])
    np.testing.assert_allclose(WeightedMean()(ROWS, weights, 0), [1.75, 17.5])
    np.testing.assert_array_equal(WeightedMean().effective_weights(ROWS, weights, 0), weights)
