"""The spectral filter: what it removes, what it leaves, and in which units."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ceas_ray.aggregation.median import Median
from ceas_ray.aggregation.spectral_filter import SpectralFilter, top_direction
from tests.aggregation.honest_votes import DIMENSIONS, NOISE, line, vote_lost

SIZES = [(7, 8), (50, 16), (50, 300), (20, 5000), (200, 40)]


def noisy(seed: int, rows: int, dimension: int) -> Any:
    return np.random.default_rng(seed).normal(size=(rows, dimension))


def equal(rows: int) -> Any:
    return np.full(rows, 1 / rows)


@given(seed=st.integers(0, 10**6), rows=st.integers(3, 30), dimension=st.integers(1, 40), empty=st.integers(0, 2))
def test_the_top_direction_is_that_of_the_weighted_covariance(seed: int, rows: int, dimension: int, empty: int) -> None:
    draw = np.random.default_rng(seed)
    updates, votes = draw.normal(size=(rows, dimension)), draw.uniform(0.1, 1, rows)
    votes[:empty] = 0
    eigenvalue, scores = top_direction(updates @ updates.T, votes)
    mean = votes @ updates / votes.sum()
    covariance = ((updates - mean).T * votes) @ (updates - mean) / votes.sum()
    values, vectors = np.linalg.eigh(covariance)
    assert eigenvalue == pytest.approx(values[-1], rel=1e-9, abs=1e-12)
    if values[-1] > 1e-9 and (dimension == 1 or values[-1] > 1.001 * values[-2]):
        expected = ((updates - mean) @ vectors[:, -1]) ** 2
        np.testing.assert_allclose(scores / scores.max(), expected / expected.max(), atol=1e-6)


@pytest.mark.parametrize(("rows", "dimension"), SIZES)
def test_pure_noise_is_averaged_as_it_is_in_nine_cases_of_ten(rows: int, dimension: int) -> None:
    touched = 0
    for seed in range(40):
        updates = noisy(seed, rows, dimension)
        found = SpectralFilter()(updates, equal(rows), rows // 5)
        touched += not np.allclose(found, updates.mean(axis=0), rtol=0, atol=1e-12)
    assert touched <= (12 if rows < 10 else 4)  # seven rows say little about their own scale


def moved_by_shift(rule: SpectralFilter, seed: int, rows: int, *, dimension: int, size: float) -> tuple[float, float]:
    """How far a fifth of the rows, shifted together, move the mean of the others, and sqrt(s2 edge f / (n - f))."""
    faults, updates = rows // 5, noisy(seed, rows, dimension)
    honest = updates[faults:].mean(axis=0)
    updates[:faults] += size * np.ones(dimension)
    found = rule(updates, equal(rows), faults)
    edge = (1 + np.sqrt(dimension / rows)) ** 2
    return float(np.linalg.norm(found - honest)), float(np.sqrt(1.1**2 * edge * faults / (rows - faults)))


@pytest.mark.parametrize(("rows", "dimension"), SIZES)
@pytest.mark.parametrize("size", [3.0, 1e3, 1e6])
def test_rows_shifted_together_far_beyond_the_noise_move_the_mean_by_no_more_than_it(
    rows: int, dimension: int, size: float
) -> None:
    """The bound sqrt(s2 edge f / (n - f)), with twice the faults for what the filter may leave."""
    for seed in range(5):
        moved, bound = moved_by_shift(SpectralFilter(), seed, rows, dimension=dimension, size=size)
        assert moved <= 2 * bound + 0.5


@settings(max_examples=30)
@given(seed=st.integers(0, 10**6), scale=st.floats(-6, 6), moved=st.floats(-1e3, 1e3))
def test_the_filter_is_equivariant_to_scale_translation_and_rotation(seed: int, scale: float, moved: float) -> None:
    draw = np.random.default_rng(seed)
    updates, factor = draw.normal(size=(20, 12)), 10.0**scale
    updates[:4] -= 2.5
    found = SpectralFilter()(updates, equal(20), 4)
    np.testing.assert_allclose(SpectralFilter()(factor * updates, equal(20), 4), factor * found, atol=1e-8 * factor)
    np.testing.assert_allclose(SpectralFilter()(updates + moved, equal(20), 4), found + moved, atol=1e-8)


def test_equal_honest_rows_leave_the_coordinate_wise_median() -> None:
    updates = np.ones((10, 3))
    updates[:2] = 50.0
    assert np.array_equal(SpectralFilter()(updates, equal(10), 2), Median()(updates, equal(10), 2))


def test_without_faults_it_is_the_weighted_mean() -> None:
    updates, weights = noisy(1, 5, 3), np.array([0.1, 0.2, 0.3, 0.25, 0.15])
    np.testing.assert_allclose(SpectralFilter()(updates, weights, 0), weights @ updates)


@pytest.mark.parametrize("rows", [20, 50])
def test_more_faults_than_two_in_five_are_refused(rows: int) -> None:
    SpectralFilter()(noisy(1, rows, 4), equal(rows), int(0.4 * rows))
    with pytest.raises(ValueError, match="faults must be at most"):
        SpectralFilter()(noisy(1, rows, 4), equal(rows), int(0.4 * rows) + 1)


UNEQUAL = SpectralFilter(noise="unequal")


@pytest.mark.parametrize("dimension", [8, 16, 200, 2000])
@pytest.mark.parametrize("noise", NOISE)
def test_honest_rows_keep_their_votes_however_unequal_their_noise_where_that_is_expected(
    dimension: int, noise: str
) -> None:
    assert vote_lost(UNEQUAL, dimension, *NOISE[noise]) < 0.01


@pytest.mark.parametrize("dimension", [16, 200])
def test_where_noise_is_taken_for_equal_unequal_honest_rows_lose_votes(dimension: int) -> None:
    assert vote_lost(SpectralFilter(), dimension, False, False) < 0.02
    for noise in (name for name in NOISE if name != "equal"):
        assert 0.05 < vote_lost(SpectralFilter(), dimension, *NOISE[noise]) < 0.5


@pytest.mark.slow
@pytest.mark.parametrize("dimension", DIMENSIONS)
@pytest.mark.parametrize("noise", NOISE)
def test_the_page_on_rules_says_what_the_filter_takes_from_honest_rows(noise: str, dimension: int) -> None:
    page = Path(__file__).parents[2] / "docs" / "explanation" / "rules.md"
    assert line(noise, dimension) in page.read_text(encoding="utf-8").splitlines()


@pytest.mark.parametrize(("rows", "dimension"), [(50, 16), (50, 300), (20, 5000), (200, 40)])
@pytest.mark.parametrize("size", [1.0, 3.0, 1e3, 1e6])
def test_rows_shifted_together_move_the_mean_by_at_most_four_times_as_much_where_noise_may_be_unequal(
    rows: int, dimension: int, size: float
) -> None:
    for seed in range(5):
        moved, bound = moved_by_shift(UNEQUAL, seed, rows, dimension=dimension, size=size)
        assert moved <= 4 * bound + 0.5


@settings(max_examples=30)
@given(seed=st.integers(0, 10**6), scale=st.floats(-6, 6), moved=st.floats(-1e3, 1e3))
def test_the_filter_for_unequal_noise_is_equivariant_to_scale_and_translation(
    seed: int, scale: float, moved: float
) -> None:
    draw = np.random.default_rng(seed)
    updates, factor = draw.normal(size=(20, 12)) * 3.0 ** draw.uniform(-0.5, 0.5, 20)[:, None], 10.0**scale
    updates[:4] -= 5.0
    found = UNEQUAL(updates, equal(20), 4)
    np.testing.assert_allclose(UNEQUAL(factor * updates, equal(20), 4), factor * found, atol=1e-8 * factor)
    np.testing.assert_allclose(UNEQUAL(updates + moved, equal(20), 4), found + moved, atol=1e-8)


def test_noise_of_another_name_is_refused() -> None:
    with pytest.raises(ValueError, match="noise must be equal or unequal, got 'loud'"):
        SpectralFilter(noise="loud")  # type: ignore[arg-type]
