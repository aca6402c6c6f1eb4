"""The plain mean."""

from __future__ import annotations

import numpy as np

from ceas_ray.aggregation.mean import Mean
from tests.aggregation.worked_examples import ROWS


def test_the_mean_weighs_all_rows_alike_whatever_their_weights() -> None:
    weights = np.array([0.6, 0.1, 0.1, 0.1, 0.1])
    np.testing.assert_allclose(Mean()(ROWS, weights, 0), [21.6, -164.0])
    np.testing.assert_allclose(Mean().effective_weights(ROWS, weights, 0), 0.2)


def test_the_mean_tolerates_no_fault() -> None:
    assert Mean.MAX_FAULTY_SHARE == 0.0
