"""The weight that each row has in an aggregate, as the rules state it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ceas_ray.aggregation.covariance_filter import CovarianceFilter
from ceas_ray.aggregation.divide_and_conquer import DivideAndConquer
from ceas_ray.aggregation.duplicate_discount import DuplicateDiscount
from ceas_ray.aggregation.geometric_median import GeometricMedian
from ceas_ray.aggregation.krum import Krum
from ceas_ray.aggregation.mean import Mean
from ceas_ray.aggregation.median import Median
from ceas_ray.aggregation.multi_krum import MultiKrum
from ceas_ray.aggregation.nearest_neighbor_mixing import NearestNeighborMixing
from ceas_ray.aggregation.rule import effective_weights
from ceas_ray.aggregation.similarity_discount import SimilarityDiscount
from ceas_ray.aggregation.spectral_filter import SpectralFilter
from ceas_ray.aggregation.trimmed_mean import TrimmedMean
from ceas_ray.aggregation.weighted_geometric_median import WeightedGeometricMedian
from ceas_ray.aggregation.weighted_mean import WeightedMean
from ceas_ray.aggregation.weighted_median import WeightedMedian
from ceas_ray.aggregation.weighted_nearest_neighbor_mixing import WeightedNearestNeighborMixing
from ceas_ray.aggregation.weighted_trimmed_mean import WeightedTrimmedMean
from ceas_ray.kernel.policy_calls import PolicyError

COMBINATIONS = [
    Mean(), WeightedMean(), GeometricMedian(), WeightedGeometricMedian(), Krum(), MultiKrum(), DivideAndConquer(),
    CovarianceFilter(), SpectralFilter(), DuplicateDiscount(SpectralFilter()), SimilarityDiscount(SpectralFilter()),
    NearestNeighborMixing(Krum()), NearestNeighborMixing(GeometricMedian()),
    WeightedNearestNeighborMixing(WeightedGeometricMedian(), 1.15),
]  # fmt: skip
"""Rules with the same weights in all coordinates."""
BY_COORDINATE = [
    Median(), WeightedMedian(), TrimmedMean(), WeightedTrimmedMean(1.15), NearestNeighborMixing(TrimmedMean()),
    NearestNeighborMixing(Median()), WeightedNearestNeighborMixing(WeightedTrimmedMean(1.15), 1.15),
]  # fmt: skip
REMOVING = [
    MultiKrum(), DivideAndConquer(), CovarianceFilter(), SpectralFilter(), TrimmedMean(), WeightedTrimmedMean(1.15),
    Median(), WeightedMedian(), Krum(),
]  # fmt: skip
CASES = {"seed": st.integers(0, 10**6), "rows": st.integers(5, 14), "faults": st.integers(0, 3)}
STEP = 1e-8


def rows_of(seed: int, rows: int, faults: int) -> tuple[Any, Any, int]:
    draw = np.random.default_rng(seed)
    weights = draw.uniform(0.8, 1.0, rows)
    return draw.normal(size=(rows, 4)), weights / weights.sum(), min(faults, (rows - 1) // 3)


@pytest.mark.parametrize("rule", COMBINATIONS, ids=repr)
@settings(max_examples=10)
@given(**CASES)
def test_the_rows_times_their_weights_are_the_aggregate(rule: Any, seed: int, rows: int, faults: int) -> None:
    updates, weights, faults = rows_of(seed, rows, faults)
    found = effective_weights(rule, updates, weights, faults)
    assert found is not None and found.sum() == pytest.approx(1)
    np.testing.assert_allclose(found @ updates, rule(updates, weights, faults), atol=1e-9)


@pytest.mark.slow
@pytest.mark.parametrize("rule", BY_COORDINATE, ids=repr)
@settings(max_examples=10)
@given(**CASES)
def test_a_row_that_moves_a_little_takes_the_aggregate_along_by_its_weight(
    rule: Any, seed: int, rows: int, faults: int
) -> None:
    updates, weights, faults = rows_of(seed, rows, faults)
    found = effective_weights(rule, updates, weights, faults)
    assert found is not None and found.sum() == pytest.approx(1)
    before = rule(updates, weights, faults)
    for k in range(rows):
        moved = updates.copy()
        moved[k] += STEP
        assert np.mean(rule(moved, weights, faults) - before) / STEP == pytest.approx(found[k], abs=1e-6)


@pytest.mark.parametrize("rule", REMOVING, ids=repr)
def test_rows_far_from_all_others_have_no_weight(rule: Any) -> None:
    updates, weights, _ = rows_of(3, 12, 2)
    updates[[4, 7]] = 1e3
    found = effective_weights(rule, updates, weights, 2)
    assert found is not None and found[4] == found[7] == 0


def test_where_most_honest_rows_are_equal_the_spectral_filter_weighs_as_the_median() -> None:
    updates, weights = np.zeros((9, 3)), np.full(9, 1 / 9)
    updates[[2, 5]] = 7.0
    found = effective_weights(SpectralFilter(), updates, weights, 2)
    assert found is not None and found[2] == found[5] == 0 and found.sum() == 1


class Silent:
    """A rule that says nothing of weights."""

    def __call__(self, updates: Any, weights: Any, faults: int) -> Any:
        return updates[0]


class Negative(Silent):
    """A rule that says what cannot be."""

    def effective_weights(self, updates: Any, weights: Any, faults: int) -> Any:
        return -weights


def test_a_rule_of_ones_own_need_not_say_and_must_not_say_what_cannot_be() -> None:
    updates, weights, _ = rows_of(1, 9, 0)
    for rule in (Silent(), NearestNeighborMixing(Silent()), DuplicateDiscount(Silent())):
        assert effective_weights(rule, updates, weights, 2) is None
    with pytest.raises(PolicyError, match=r"Negative.effective_weights must return weights >= 0"):
        effective_weights(Negative(), updates, weights, 2)
