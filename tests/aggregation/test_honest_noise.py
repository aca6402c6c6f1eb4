"""The noise of honest rows, read off the rows themselves."""

from __future__ import annotations

import numpy as np
import pytest

from ceas_ray.aggregation.honest_noise import chi_square_quantile, middle_distance
from ceas_ray.aggregation.rule import squared_distances


def test_the_middle_distance_of_honest_rows_is_the_median_of_their_pairs() -> None:
    """Without faults the quantile is one half."""
    draw = np.random.default_rng(1).normal(size=(20, 8))
    distances = squared_distances(draw)
    assert middle_distance(distances, 0) == pytest.approx(np.median(distances[np.triu_indices(20, 1)]))


@pytest.mark.parametrize("distance", [0.0, 1e6])
def test_copies_leave_it_between_the_nearest_and_the_farthest_honest_rows_however_far_away_they_are(
    distance: float,
) -> None:
    draw = np.random.default_rng(1).normal(size=(20, 8))
    honest = squared_distances(draw[6:])[np.triu_indices(14, 1)]
    draw[:6] = draw[6] + distance
    assert honest.min() <= middle_distance(squared_distances(draw), 6) <= honest.max()


def test_more_faults_than_the_rows_can_tell_are_refused() -> None:
    with pytest.raises(ValueError, match=r"faults must be at most 0\.4 of 10 rows, got 5"):
        middle_distance(np.zeros((10, 10)), 5)


def test_quantiles_are_those_of_tables() -> None:
    assert chi_square_quantile(0.95, 1) == pytest.approx(3.841459, abs=1e-6)
    assert chi_square_quantile(0.5, 10) == pytest.approx(9.341818, abs=1e-6)
