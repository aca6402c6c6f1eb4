"""Divide and conquer."""

from __future__ import annotations

import numpy as np

from ceas_ray.aggregation.divide_and_conquer import DivideAndConquer
from tests.aggregation.worked_examples import EQUAL, ROWS


def test_the_rows_that_project_farthest_on_the_most_variable_direction_are_removed() -> None:
    np.testing.assert_allclose(DivideAndConquer()(ROWS, EQUAL, 1), ROWS[:4].mean(axis=0))
    np.testing.assert_allclose(DivideAndConquer().effective_weights(ROWS, EQUAL, 1), [0.25] * 4 + [0])


def test_at_least_one_row_is_kept() -> None:
    assert DivideAndConquer(10.0).effective_weights(ROWS, EQUAL, 2).max() == 1.0
