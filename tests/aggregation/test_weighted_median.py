"""The coordinate-wise median of weighted rows."""

from __future__ import annotations

import numpy as np

from ceas_ray.aggregation.weighted_median import WeightedMedian
from tests.aggregation.worked_examples import ROWS


def test_it_is_the_value_at_which_the_summed_weights_pass_one_half() -> None:
    weights = np.array([0.1, 0.1, 0.6, 0.1, 0.1])
    np.testing.assert_array_equal(WeightedMedian()(ROWS, weights, 1), [3.0, 30.0])


def test_it_lies_midway_to_the_next_value_where_one_half_is_met_exactly() -> None:
    np.testing.assert_array_equal(WeightedMedian()(ROWS[:2], np.array([0.5, 0.5]), 0), [1.5, 15.0])
