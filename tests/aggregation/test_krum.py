"""Krum."""

from __future__ import annotations

import numpy as np
import pytest

from ceas_ray.aggregation.krum import Krum, krum_scores
from tests.aggregation.worked_examples import EQUAL, ROWS


def test_the_row_whose_nearest_others_are_nearest_is_chosen() -> None:
    """Of five rows with one fault, two nearest others count: rows 1 and 3 are equal, and the first of them wins."""
    np.testing.assert_array_equal(Krum()(ROWS, EQUAL, 1), ROWS[1])
    np.testing.assert_array_equal(Krum().effective_weights(ROWS, EQUAL, 1), [0, 1, 0, 0, 0])


def test_scores_sum_squared_distances_to_the_nearest_others_and_leave_out_the_row_itself() -> None:
    """From (1, 10): 101 to each of (2, 20). With left_out = 1 the 404 to (3, 30) counts too."""
    assert krum_scores(ROWS, 1, 2)[0] == pytest.approx(202)
    assert krum_scores(ROWS, 1, 1)[0] == pytest.approx(606)


def test_at_least_one_neighbour_counts() -> None:
    np.testing.assert_allclose(krum_scores(ROWS[:3], 1, 2), [101, 101, 101])
