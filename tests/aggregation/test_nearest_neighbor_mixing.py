"""Nearest-neighbour mixing."""

from __future__ import annotations

import numpy as np
import pytest

from ceas_ray.aggregation.mean import Mean
from ceas_ray.aggregation.median import Median
from ceas_ray.aggregation.nearest_neighbor_mixing import NearestNeighborMixing
from tests.aggregation.worked_examples import EQUAL, ROWS


def test_each_row_becomes_the_mean_of_its_nearest_rows_itself_included() -> None:
    """With one fault of five, four rows are mixed: the outlier counts in its own mean alone."""
    shares = NearestNeighborMixing(Mean()).effective_weights(ROWS, EQUAL, 1)
    assert shares is not None
    assert shares[4] == pytest.approx(0.2 * 0.25)
    mixed = NearestNeighborMixing(Median())(ROWS, EQUAL, 1)
    np.testing.assert_allclose(mixed, ROWS[:4].mean(axis=0))


def test_without_faults_all_rows_become_the_mean() -> None:
    np.testing.assert_allclose(NearestNeighborMixing(Median())(ROWS, EQUAL, 0), ROWS.mean(axis=0))
