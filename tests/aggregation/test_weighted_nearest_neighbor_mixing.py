"""Nearest-neighbour mixing of weighted rows."""

from __future__ import annotations

import numpy as np
import pytest

from ceas_ray.aggregation.weighted_mean import WeightedMean
from ceas_ray.aggregation.weighted_nearest_neighbor_mixing import WeightedNearestNeighborMixing
from tests.aggregation.worked_examples import EQUAL, ROWS


def test_rows_are_taken_until_the_mass_is_covered_and_the_last_one_counts_in_part() -> None:
    """From 0, with .5 of the mass to cover: itself (.3) and a third of the next row (.6)."""
    rows, weights = np.array([[0.0], [3.0], [100.0]]), np.array([0.3, 0.6, 0.1])
    mixing = WeightedNearestNeighborMixing(WeightedMean(), 1.5)._mixing(rows, weights, 1)
    np.testing.assert_allclose(mixing[0], [0.6, 0.4, 0.0])


def test_a_cap_under_which_nothing_would_be_covered_is_refused() -> None:
    with pytest.raises(ValueError, match="the covered mass must be above 0"):
        WeightedNearestNeighborMixing(WeightedMean(), 3.0)(ROWS, EQUAL, 2)
