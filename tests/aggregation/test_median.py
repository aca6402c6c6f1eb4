"""The coordinate-wise median."""

from __future__ import annotations

import numpy as np

from ceas_ray.aggregation.median import Median
from tests.aggregation.worked_examples import EQUAL, ROWS


def test_each_coordinate_has_its_own_middle_value() -> None:
    np.testing.assert_array_equal(Median()(ROWS, EQUAL, 1), [2.0, 20.0])


def test_of_an_even_number_of_rows_it_lies_midway_between_the_two_middle_values() -> None:
    np.testing.assert_array_equal(Median()(ROWS[[0, 1, 2, 4]], np.full(4, 0.25), 1), [2.5, 15.0])
