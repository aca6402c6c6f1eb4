"""Multi-Krum."""

from __future__ import annotations

import numpy as np

from ceas_ray.aggregation.multi_krum import MultiKrum
from tests.aggregation.worked_examples import EQUAL, ROWS


def test_the_mean_of_all_rows_but_the_f_with_the_greatest_scores_is_taken() -> None:
    np.testing.assert_allclose(MultiKrum()(ROWS, EQUAL, 1), ROWS[:4].mean(axis=0))
    np.testing.assert_allclose(MultiKrum().effective_weights(ROWS, EQUAL, 1), [0.25] * 4 + [0])
