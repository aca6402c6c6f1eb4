"""The geometric median of weighted rows."""

from __future__ import annotations

import numpy as np

from ceas_ray.aggregation.weighted_geometric_median import WeightedGeometricMedian
from tests.aggregation.worked_examples import ROWS


def test_a_row_that_carries_half_of_the_weight_is_the_median() -> None:
    weights = np.array([0.55, 0.1, 0.1, 0.1, 0.15])
    np.testing.assert_allclose(WeightedGeometricMedian()(ROWS, weights, 1), ROWS[0], atol=1e-6)


def test_three_corners_of_an_equilateral_triangle_have_its_center() -> None:
    corners = np.array([[0.0, 0.0], [1.0, 0.0], [0.5, np.sqrt(0.75)]])
    found = WeightedGeometricMedian()(corners, np.full(3, 1 / 3), 1)
    np.testing.assert_allclose(found, corners.mean(axis=0), atol=1e-9)
