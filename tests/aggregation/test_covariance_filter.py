"""The published filters: by the covariance, and divide and conquer."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ceas_ray.aggregation.covariance_filter import CovarianceFilter
from ceas_ray.aggregation.divide_and_conquer import DivideAndConquer
from tests.aggregation.test_spectral_filter import SIZES, equal, noisy


@pytest.mark.parametrize("rule", [CovarianceFilter(), DivideAndConquer()], ids=repr)
@pytest.mark.parametrize(("rows", "dimension"), SIZES)
def test_the_published_filters_remove_rows_far_away(rule: Any, rows: int, dimension: int) -> None:
    faults = rows // 5
    updates = noisy(3, rows, dimension)
    honest = updates[faults:].mean(axis=0)
    updates[:faults] += 1e4
    assert np.linalg.norm(rule(updates, equal(rows), faults) - honest) < 3 * np.sqrt(dimension / rows) + 1
