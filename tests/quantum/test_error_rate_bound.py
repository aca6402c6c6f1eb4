"""An upper bound of an error rate from counts."""

from __future__ import annotations

import numpy as np
import pytest

from ceas_ray.quantum.error_rate_bound import error_rate_bound


def test_without_an_error_it_is_the_closed_form() -> None:
    """1 - (1 - confidence)^(1/asked)."""
    found = error_rate_bound(np.array([100.0]), np.array([0.0]), 0.95)
    assert found[0] == pytest.approx(1 - 0.05 ** (1 / 100))


def test_where_nothing_was_asked_or_all_was_wrong_every_rate_is_possible() -> None:
    assert error_rate_bound(np.array([0.0, 7.0]), np.array([0.0, 7.0]), 0.95).tolist() == [1.0, 1.0]


def test_it_covers_the_true_rate_at_least_as_often_as_it_says() -> None:
    wrong = np.random.default_rng(1).binomial(50, 0.1, 20_000).astype(float)
    covered = np.mean(error_rate_bound(np.full(20_000, 50.0), wrong, 0.9) >= 0.1)
    assert 0.9 <= covered <= 0.97


def test_counts_of_a_forgetting_window_need_not_be_whole() -> None:
    bounds = error_rate_bound(np.full(3, 50.5), np.array([5.0, 5.5, 6.0]), 0.95)
    assert bounds[0] < bounds[1] < bounds[2] < 1.0
