"""The shares of rows in what each coordinate takes for itself."""

from __future__ import annotations

import numpy as np
import pytest

from ceas_ray.aggregation.column_shares import (
    median_shares,
    trimmed_shares,
    weighted_median_shares,
    weighted_trimmed_shares,
)
from ceas_ray.aggregation.median import Median
from ceas_ray.aggregation.trimmed_mean import TrimmedMean
from ceas_ray.aggregation.weighted_median import WeightedMedian
from ceas_ray.aggregation.weighted_trimmed_mean import WeightedTrimmedMean
from tests.aggregation.worked_examples import ROWS


def test_a_median_belongs_to_the_middle_row_or_by_halves_to_the_two() -> None:
    np.testing.assert_allclose(median_shares(ROWS[:3]), [0, 1, 0])
    np.testing.assert_allclose(median_shares(ROWS[[0, 1, 2, 4]]), [0.25, 0.5, 0.25, 0])


def test_of_equal_values_the_lower_row_comes_first() -> None:
    np.testing.assert_allclose(median_shares(np.zeros((3, 2))), [0, 1, 0])


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(5))
def test_shares_give_back_an_aggregate_of_one_column(seed: int) -> None:
    draw = np.random.default_rng(seed)
    column, weights = draw.normal(size=(7, 1)), draw.dirichlet(np.ones(7))
    equal = np.full(7, 1 / 7)
    for shares, aggregate in (
        (median_shares(column), Median()(column, equal, 2)),
        (trimmed_shares(column, 2), TrimmedMean()(column, equal, 2)),
        (weighted_median_shares(column, weights), WeightedMedian()(column, weights, 2)),
        (weighted_trimmed_shares(column, weights, 2 / 7), WeightedTrimmedMean(1.0)(column, weights, 2)),
    ):
        assert shares.sum() == pytest.approx(1.0)
        np.testing.assert_allclose(shares @ column, aggregate, atol=1e-12)
