"""Who shares a vote, and who keeps it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ceas_ray.aggregation.duplicate_discount import DuplicateDiscount, discounted
from ceas_ray.aggregation.weighted_mean import WeightedMean


def equal(rows: int) -> Any:
    return np.full(rows, 1 / rows)


@pytest.mark.parametrize("dimension", [1, 2, 8, 16, 100, 2000])
@pytest.mark.parametrize("spectrum", ["flat", "1/k"])
def test_honest_rows_keep_their_votes_however_unequal_their_noise(dimension: int, spectrum: str) -> None:
    """Standard deviations to three times apart, noise of one size in all directions or falling as 1/k."""
    lost = 0
    for seed in range(40):
        draw = np.random.default_rng(seed)
        shape = 1.0 if spectrum == "flat" else 1 / np.sqrt(np.arange(1, dimension + 1))
        spread = 3.0 ** draw.uniform(-0.5, 0.5, 50)
        updates = draw.normal(size=(50, dimension)) * shape * spread[:, None] + draw.normal(size=dimension)
        lost += not np.allclose(discounted(updates, equal(50), 10), equal(50))
    assert lost <= 6  # 5 % of the sets may hold a pair by chance; at 15 % that would be no chance


@pytest.mark.parametrize("dimension", [8, 16, 200, 5000])
@pytest.mark.parametrize("rows", [7, 50, 200])
def test_copies_share_one_vote(rows: int, dimension: int) -> None:
    faults = rows // 5
    for seed in range(5):
        draw = np.random.default_rng(seed)
        updates = draw.normal(size=(rows, dimension))
        updates[:faults] = updates[-1] if seed % 2 else -0.5
        updates[:faults] += 1e-6 * draw.normal(size=(faults, dimension))
        votes = discounted(updates, equal(rows), faults)
        sharing = faults + seed % 2
        assert votes[:faults].sum() == pytest.approx(votes[faults] * faults / sharing, rel=1e-9)


@settings(max_examples=50)
@given(seed=st.integers(0, 10**6), scale=st.floats(-6, 6))
def test_votes_do_not_depend_on_scale_translation_or_the_order_of_rows(seed: int, scale: float) -> None:
    draw = np.random.default_rng(seed)
    updates = draw.normal(size=(15, 10))
    updates[:3] = updates[3] + 1e-3 * draw.normal(size=(3, 10))
    weights = draw.uniform(0.8, 1, 15)
    weights /= weights.sum()
    votes = discounted(updates, weights, 3)
    assert votes.sum() == pytest.approx(1)
    np.testing.assert_allclose(discounted(10.0**scale * (updates + 1.0), weights, 3), votes, rtol=1e-9)
    order = draw.permutation(15)
    np.testing.assert_allclose(discounted(updates[order], weights[order], 3), votes[order], rtol=1e-9)


def test_weights_within_a_set_of_copies_keep_their_proportions() -> None:
    draw = np.random.default_rng(1)
    updates = draw.normal(size=(12, 20))
    updates[:2] = updates[2]
    weights = np.array([1.0, 2.0, 3.0] + [2.0] * 9)
    votes = discounted(updates, weights / weights.sum(), 2)
    np.testing.assert_allclose(votes[:3] / votes[3], np.array([0.5, 1.0, 1.5]) / 2, rtol=1e-9)


def test_copies_of_the_best_honest_rows_do_not_have_them_thrown_out() -> None:
    """Each honest row that is copied still carries half of its vote: no row is removed."""
    draw = np.random.default_rng(2)
    updates = draw.normal(size=(50, 16)) + 1.0
    farthest = 10 + np.argsort(-(updates[10:] @ np.ones(16)))[:10]
    updates[:10] = updates[farthest] + 1e-6
    found = DuplicateDiscount(WeightedMean())(updates, equal(50), 10)
    np.testing.assert_allclose(found, updates[10:].mean(axis=0), atol=1e-5)
