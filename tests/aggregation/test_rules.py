"""Laws of aggregation rules and weights."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ceas_ray.aggregation.centered_clipping import CenteredClipping
from ceas_ray.aggregation.covariance_filter import CovarianceFilter
from ceas_ray.aggregation.divide_and_conquer import DivideAndConquer
from ceas_ray.aggregation.duplicate_discount import DuplicateDiscount
from ceas_ray.aggregation.geometric_median import GeometricMedian
from ceas_ray.aggregation.krum import Krum
from ceas_ray.aggregation.mean import Mean
from ceas_ray.aggregation.median import Median
from ceas_ray.aggregation.multi_krum import MultiKrum
from ceas_ray.aggregation.nearest_neighbor_mixing import NearestNeighborMixing
from ceas_ray.aggregation.spectral_filter import SpectralFilter
from ceas_ray.aggregation.trimmed_mean import TrimmedMean
from ceas_ray.aggregation.weighted_geometric_median import WeightedGeometricMedian
from ceas_ray.aggregation.weighted_mean import WeightedMean
from ceas_ray.aggregation.weighted_median import WeightedMedian
from ceas_ray.aggregation.weighted_nearest_neighbor_mixing import WeightedNearestNeighborMixing
from ceas_ray.aggregation.weighted_trimmed_mean import WeightedTrimmedMean

COORDINATE_WISE = [Median(), WeightedMedian(), TrimmedMean(), WeightedTrimmedMean(1.0)]
WEIGHTED = [
    WeightedMean(), WeightedMedian(), WeightedTrimmedMean(1.15), WeightedGeometricMedian(),
    WeightedNearestNeighborMixing(WeightedTrimmedMean(1.15), 1.15),
    WeightedNearestNeighborMixing(WeightedGeometricMedian(), 1.15),
]  # fmt: skip
ROBUST = [
    *COORDINATE_WISE, GeometricMedian(), Krum(), MultiKrum(), CenteredClipping(None, 3, "median"),
    NearestNeighborMixing(TrimmedMean()), NearestNeighborMixing(Krum()), *WEIGHTED[2:],
]  # fmt: skip
FILTERS = [SpectralFilter(), SpectralFilter(noise="unequal"), DuplicateDiscount(SpectralFilter()), CovarianceFilter()]
RULES = [Mean(), WeightedMean(), *ROBUST, *FILTERS, DivideAndConquer()]
CASES = {"seed": st.integers(0, 10**6), "rows": st.integers(3, 14), "faults": st.integers(0, 3)}


def rows_of(seed: int, rows: int, faults: int) -> tuple[Any, Any, int]:
    draw = np.random.default_rng(seed)
    weights = draw.uniform(0.8, 1.0, rows)
    return draw.normal(size=(rows, 4)), weights / weights.sum(), min(faults, (rows - 1) // 3)


@pytest.mark.parametrize("rule", RULES, ids=repr)
@settings(max_examples=60)
@given(**CASES)
def test_rules_are_equivariant_and_leave_their_input_alone(rule: Any, seed: int, rows: int, faults: int) -> None:
    updates, weights, faults = rows_of(seed, rows, faults)
    assume(rows - faults >= 4)  # with one neighbour each, Krum scores are equal in pairs
    before = updates.copy()
    result = rule(updates, weights, faults)
    assert np.array_equal(updates, before)
    order = np.random.default_rng(seed).permutation(rows)
    np.testing.assert_allclose(rule(updates[order], weights[order], faults), result, atol=1e-9)
    np.testing.assert_allclose(rule(updates + 3.0, weights, faults), result + 3.0, atol=1e-9)


@pytest.mark.slow
@pytest.mark.parametrize("rule", [*ROBUST, *FILTERS], ids=repr)
@settings(max_examples=60)
@given(seed=st.integers(0, 10**6), rows=st.integers(7, 20), far=st.floats(-1e9, 1e9))
def test_robust_rules_stay_near_the_honest_whatever_f_rows_do(rule: Any, seed: int, rows: int, far: float) -> None:
    updates, _, _ = rows_of(seed, rows, 0)
    faults = (rows - 1) // 4
    updates[:faults] = far * np.random.default_rng(seed + 1).normal(size=(faults, 4))
    result = rule(updates, np.full(rows, 1 / rows), faults)
    honest = updates[faults:]
    reach = np.abs(honest - honest.mean(axis=0)).max() * 4 + 1e-9
    assert np.all(np.abs(result - honest.mean(axis=0)) <= reach)


def excess(faults: int, rows: int) -> float:
    return faults / (rows - 2 * faults)


KAPPA = {
    "trimmed mean": (TrimmedMean(), lambda f, n: 6 * excess(f, n) * (1 + excess(f, n))),
    "weighted trimmed mean": (WeightedTrimmedMean(1.0), lambda f, n: 6 * excess(f, n) * (1 + excess(f, n))),
    "median": (Median(), lambda f, n: 4 * (1 + excess(f, n)) ** 2),
    "weighted median": (WeightedMedian(), lambda f, n: 4 * (1 + excess(f, n)) ** 2),
    "geometric median": (GeometricMedian(), lambda f, n: 4 * (1 + excess(f, n)) ** 2),
    "weighted geometric median": (WeightedGeometricMedian(), lambda f, n: 4 * (1 + excess(f, n)) ** 2),
    "Krum": (Krum(left_out=1), lambda f, n: 6 * (1 + excess(f, n))),
}
"""Rules with their constants of (f, kappa)-robustness (arXiv 2302.01772, table 1)."""


@pytest.mark.parametrize("name", KAPPA)
@settings(max_examples=100)
@given(seed=st.integers(0, 10**6), rows=st.integers(4, 20), size=st.floats(-2, 6))
def test_rules_are_as_robust_as_was_proven_and_mixing_makes_them_more_so(
    name: str, seed: int, rows: int, size: float
) -> None:
    """|R(x) - mean of S|^2 <= kappa / |S| sum of |x_i - mean of S|^2 for every n - f of the rows, S."""
    rule, constant = KAPPA[name]
    updates, _, _ = rows_of(seed, rows, 0)
    draw = np.random.default_rng(seed + 1)
    faults = int(draw.integers(1, (rows - 1) // 2 + 1))
    updates[draw.choice(rows, faults, replace=False)] = draw.normal(size=(1 if seed % 2 else faults, 4)) * 10.0**size
    kappa, equal = constant(faults, rows), np.full(rows, 1 / rows)
    mixed = NearestNeighborMixing(rule)
    for tried, bound in ((rule, kappa), (mixed, 8 * faults / (rows - faults) * (1 + kappa))):
        result = tried(updates, equal, faults)
        for _ in range(5):
            honest = updates[draw.choice(rows, rows - faults, replace=False)]
            spread = np.mean(np.sum((honest - honest.mean(axis=0)) ** 2, axis=1))
            assert np.sum((result - honest.mean(axis=0)) ** 2) <= bound * spread * (1 + 1e-9)


@pytest.mark.parametrize("rule", COORDINATE_WISE, ids=repr)
@settings(max_examples=60)
@given(seed=st.integers(0, 10**6), rows=st.integers(3, 20), far=st.floats(-1e9, 1e9))
def test_coordinate_wise_rules_stay_within_the_honest_range(rule: Any, seed: int, rows: int, far: float) -> None:
    updates, _, _ = rows_of(seed, rows, 0)
    faults = (rows - 1) // 2
    draw = np.random.default_rng(seed + 1)
    updates[:faults], honest = far * draw.normal(size=(faults, 4)), updates[faults:]
    result = rule(updates, np.full(rows, 1 / rows), faults)
    slack = 1e-12 * np.abs(honest).max()
    assert np.all(result >= honest.min(axis=0) - slack)
    assert np.all(result <= honest.max(axis=0) + slack)


@pytest.mark.parametrize("rule", WEIGHTED, ids=repr)
@given(**CASES)
def test_a_row_without_weight_has_no_effect(rule: Any, seed: int, rows: int, faults: int) -> None:
    updates, weights, faults = rows_of(seed, rows, faults)
    weights[0] = 0
    weights /= weights.sum()
    other = updates.copy()
    other[0] = 1e6
    np.testing.assert_allclose(rule(updates, weights, faults), rule(other, weights, faults), atol=1e-9)


@pytest.mark.parametrize("rule", RULES, ids=repr)
def test_what_no_rule_can_work_with_is_refused(rule: Any) -> None:
    updates, equal = np.zeros((4, 2)), np.full(4, 0.25)
    for bad in ((updates * np.nan, equal, 1), (updates, equal * 2, 1), (updates, equal, 2), (updates, equal, -1)):
        with pytest.raises(ValueError, match="must be"):
            rule(*bad)
