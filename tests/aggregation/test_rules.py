"""Aggregation rules and weights, against plain loops and as laws."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ceas_ray.aggregation.cap import cap_for, capped
from ceas_ray.aggregation.evidence import Evidence
from ceas_ray.aggregation.fisher_weights import FisherWeights
from ceas_ray.aggregation.mean import Mean
from ceas_ray.aggregation.nearest_neighbor_mixing import NearestNeighborMixing
from ceas_ray.aggregation.trimmed_mean import TrimmedMean
from ceas_ray.aggregation.weighted_mean import WeightedMean
from ceas_ray.aggregation.weighted_nearest_neighbor_mixing import WeightedNearestNeighborMixing
from ceas_ray.aggregation.weighted_trimmed_mean import WeightedTrimmedMean

RULES = [
    Mean(), WeightedMean(), TrimmedMean(), NearestNeighborMixing(TrimmedMean()), WeightedTrimmedMean(1.0),
    WeightedNearestNeighborMixing(WeightedTrimmedMean(1.15), 1.15),
]  # fmt: skip
CASES = {"seed": st.integers(0, 10**6), "rows": st.integers(3, 14), "faults": st.integers(0, 3)}


def rows_of(seed: int, rows: int, faults: int) -> tuple[Any, Any, int]:
    draw = np.random.default_rng(seed)
    weights = draw.uniform(0.8, 1.0, rows)
    return draw.normal(size=(rows, 4)), weights / weights.sum(), min(faults, (rows - 1) // 3)


def naive_nnm(updates: Any, faults: int) -> Any:
    mixed = []
    for row in updates:
        order = sorted(range(len(updates)), key=lambda k: (round(float(np.sum((updates[k] - row) ** 2)), 9), k))
        mixed.append(np.mean([updates[k] for k in order[: len(updates) - faults]], axis=0))
    return np.array(mixed)


def naive_trimmed(updates: Any, faults: int) -> Any:
    columns = [sorted(column)[faults : len(updates) - faults] for column in updates.T]
    return np.array([sum(column) / len(column) for column in columns])


@settings(max_examples=200)
@given(**CASES)
def test_rules_are_what_plain_loops_give(seed: int, rows: int, faults: int) -> None:
    updates, weights, faults = rows_of(seed, rows, faults)
    equal = np.full(rows, 1 / rows)
    trimmed, mixed = naive_trimmed(updates, faults), naive_trimmed(naive_nnm(updates, faults), faults)
    np.testing.assert_allclose(Mean()(updates, weights, faults), updates.sum(axis=0) / rows, atol=1e-12)
    np.testing.assert_allclose(TrimmedMean()(updates, weights, faults), trimmed, atol=1e-12)
    np.testing.assert_allclose(NearestNeighborMixing(TrimmedMean())(updates, weights, faults), mixed, atol=1e-12)
    np.testing.assert_allclose(WeightedTrimmedMean(1.0)(updates, equal, faults), trimmed, atol=1e-9)
    both = WeightedNearestNeighborMixing(WeightedTrimmedMean(1.0), 1.0)(updates, equal, faults)
    np.testing.assert_allclose(both, mixed, atol=1e-9)


@settings(max_examples=100)
@given(**CASES)
def test_weighted_rows_count_as_replicated_rows(seed: int, rows: int, faults: int) -> None:
    updates, _, _ = rows_of(seed, rows, 0)
    times = np.random.default_rng(seed).integers(1, 4, rows)
    weights = times / times.sum()
    faults = min(faults, (rows - 1) // 3)
    trim = int(faults)
    replicated = np.repeat(updates, times, axis=0)
    cap = trim / times.sum() / (max(faults, 1) / rows)
    if trim:
        expected = naive_trimmed(replicated, trim)
        np.testing.assert_allclose(WeightedTrimmedMean(cap)(updates, weights, faults), expected, atol=1e-9)
    np.testing.assert_allclose(WeightedMean()(updates, weights, faults), replicated.mean(axis=0), atol=1e-12)


@pytest.mark.parametrize("rule", RULES, ids=repr)
@settings(max_examples=60)
@given(**CASES)
def test_rules_are_equivariant_and_leave_their_input_alone(rule: Any, seed: int, rows: int, faults: int) -> None:
    updates, weights, faults = rows_of(seed, rows, faults)
    before = updates.copy()
    result = rule(updates, weights, faults)
    assert np.array_equal(updates, before)
    order = np.random.default_rng(seed).permutation(rows)
    np.testing.assert_allclose(rule(updates[order], weights[order], faults), result, atol=1e-9)
    np.testing.assert_allclose(rule(updates + 3.0, weights, faults), result + 3.0, atol=1e-9)


@pytest.mark.parametrize("rule", RULES[2:], ids=repr)
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


@pytest.mark.parametrize("rule", [WeightedMean(), WeightedTrimmedMean(1.0)], ids=repr)
@given(**CASES)
def test_a_row_without_weight_has_no_effect(rule: Any, seed: int, rows: int, faults: int) -> None:
    updates, weights, _ = rows_of(seed, rows, 0)
    weights[0] = 0
    weights /= weights.sum()
    other = updates.copy()
    other[0] = 1e6
    np.testing.assert_allclose(rule(updates, weights, 0), rule(other, weights, 0), atol=1e-9)


@pytest.mark.parametrize("rule", RULES, ids=repr)
def test_what_no_rule_can_work_with_is_refused(rule: Any) -> None:
    updates, equal = np.zeros((4, 2)), np.full(4, 0.25)
    for bad in ((updates * np.nan, equal, 1), (updates, equal * 2, 1), (updates, equal, 2), (updates, equal, -1)):
        with pytest.raises(ValueError, match="must be"):
            rule(*bad)


@given(st.lists(st.floats(0.01, 100), min_size=2, max_size=60), st.floats(1, 3))
def test_no_weight_exceeds_the_cap_and_enough_rows_carry_weight(raw: list[float], cap: float) -> None:
    weights = np.array(raw) / np.sum(raw)
    result = capped(weights, cap)
    assert result.sum() == pytest.approx(1)
    assert result.max() <= cap / len(raw) + 1e-9
    assert np.count_nonzero(result) >= np.ceil(len(raw) / cap - 1e-9)
    assert np.all(np.diff(result[np.argsort(weights, kind="stable")]) >= -1e-12)


@given(st.floats(1, 3), st.integers(0, 24))
def test_the_cap_bounds_the_mass_of_the_byzantine(requested: float, faults: int) -> None:
    cap = cap_for(requested, faults, 50)
    share = faults / 50
    assert cap == 1.0 if share > 0.3 else cap * share <= min(1 / 3, share + 0.05) + 1e-12


def test_fisher_weights_wait_for_the_tests_and_follow_the_formula() -> None:
    contrast = np.array([0.5, 0.9])
    evidence = Evidence(contrast, contrast, contrast, contrast, np.array([999.0, 5000.0]), 6)
    assert np.array_equal(FisherWeights(1000)(evidence), [0.5, 0.5])
    enough = Evidence(contrast, contrast, contrast, contrast, np.array([1000.0, 5000.0]), 6)
    expected = contrast**2 / (contrast + 2 * (1 - contrast) / 64)
    assert expected[0] == pytest.approx(0.485, abs=1e-3)
    np.testing.assert_allclose(FisherWeights(1000)(enough), expected / expected.sum())
