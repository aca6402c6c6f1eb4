"""Intervals of means over seeds."""

from __future__ import annotations

import numpy as np
import pytest

from ceas_ray.reports.intervals import half_widths


def test_two_values_have_the_interval_of_tables() -> None:
    """t of one degree of freedom at 97.5 %: 12.7062; the standard error of 0 and 2 is 1."""
    assert half_widths(np.array([0.0, 2.0])) == pytest.approx(12.7062, rel=1e-5)


def test_an_interval_of_many_rows_is_that_of_each() -> None:
    values = np.random.default_rng(1).normal(size=(3, 5))
    np.testing.assert_allclose(half_widths(values), [half_widths(row) for row in values])


def test_values_that_agree_have_no_width() -> None:
    assert half_widths(np.ones(4)) == 0.0


def test_the_interval_covers_the_mean_as_often_as_it_says() -> None:
    values = np.random.default_rng(2).normal(1.0, 3.0, (20_000, 4))
    covered = np.mean(np.abs(values.mean(axis=1) - 1.0) <= half_widths(values, 0.9))
    assert covered == pytest.approx(0.9, abs=0.01)


def test_a_single_value_has_no_interval() -> None:
    with pytest.raises(ValueError, match="an interval needs two values or more"):
        half_widths(np.ones(1))
