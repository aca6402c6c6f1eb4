"""Directions that attacks measure rows along."""

from __future__ import annotations

import numpy as np

from ceas_ray.attacks.directions import farthest_along, scattered, unit


def test_a_unit_vector_has_length_one_and_zero_stays_zero() -> None:
    np.testing.assert_allclose(unit(np.array([3.0, 0.0, -4.0])), [0.6, 0.0, -0.8])
    np.testing.assert_array_equal(unit(np.zeros(3)), np.zeros(3))


def test_the_farthest_rows_come_first_and_ties_go_to_the_lower_one() -> None:
    rows = np.array([[1.0, 5.0], [2.0, 0.0], [1.0, 7.0], [3.0, 0.0]])
    direction = np.array([1.0, 0.0])
    np.testing.assert_array_equal(farthest_along(rows, direction, 3), rows[[3, 1, 0]])
    np.testing.assert_array_equal(farthest_along(rows, direction, 9), rows[[3, 1, 0, 2]])


def test_scattered_rows_have_mean_zero_and_keep_their_differences() -> None:
    rows = np.random.default_rng(1).normal(2.0, 1.0, (5, 3))
    np.testing.assert_allclose(scattered(rows).mean(axis=0), 0.0, atol=1e-12)
    np.testing.assert_allclose(np.diff(scattered(rows), axis=0), np.diff(rows, axis=0), atol=1e-12)
