"""The coordinate-wise trimmed mean."""

from __future__ import annotations

import numpy as np

from ceas_ray.aggregation.trimmed_mean import TrimmedMean
from tests.aggregation.worked_examples import EQUAL, ROWS


def test_the_smallest_and_the_largest_values_are_dropped_in_each_coordinate() -> None:
    """Of 1, 2, 2, 3, 100 and of -900, 10, 20, 20, 30 the three in the middle are left."""
    np.testing.assert_allclose(TrimmedMean()(ROWS, EQUAL, 1), [7 / 3, 50 / 3])


def test_without_faults_it_is_the_mean() -> None:
    np.testing.assert_allclose(TrimmedMean()(ROWS, EQUAL, 0), ROWS.mean(axis=0))


def test_a_row_that_is_trimmed_in_every_coordinate_has_no_effective_weight() -> None:
    assert TrimmedMean().effective_weights(ROWS, EQUAL, 1)[4] == 0.0
