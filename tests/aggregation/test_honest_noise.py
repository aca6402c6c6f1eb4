"""The noise of honest rows, read off the rows themselves."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ceas_ray.aggregation.honest_noise import chi_square_quantile, middle_distance
from ceas_ray.aggregation.rule import squared_distances


def test_the_middle_distance_of_honest_rows_is_the_median_of_their_pairs() -> None:
    """Without faults the quantile is one half."""
    draw = np.random.default_rng(1).normal(size=(20, 8))
    distances = squared_distances(draw)
    assert middle_distance(distances, 0) == pytest.approx(np.median(distances[np.triu_indices(20, 1)]))


@given(seed=st.integers(0, 10**6), rows=st.integers(2, 30), scale=st.floats(-9, 9), share=st.floats(0, 0.4))
def test_the_middle_distance_is_the_quantile_of_numpy_bit_for_bit(
    seed: int, rows: int, scale: float, share: float
) -> None:
    pairs = 10.0**scale * np.random.default_rng(seed).random((rows, rows))
    faults = int(share * rows)
    honest = rows - faults
    expected = np.quantile(pairs[np.triu_indices(rows, 1)], 0.5 * honest * (honest - 1) / (rows * (rows - 1)))
    assert middle_distance(pairs, faults) == expected


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
