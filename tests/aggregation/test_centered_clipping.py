"""Centered clipping: what each row pulls, and settings that cannot be."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings

from ceas_ray.aggregation.centered_clipping import CenteredClipping
from ceas_ray.aggregation.rule import effective_weights
from tests.aggregation.test_effective_weights import CASES, rows_of


@pytest.mark.parametrize(("radius", "steps", "start"), [(0.0, 1, "zero"), (1.0, 0, "zero"), (None, 1, "mean")])
def test_centered_clipping_that_cannot_be_is_refused(radius: float | None, steps: int, start: Any) -> None:
    with pytest.raises(ValueError, match="must be"):
        CenteredClipping(radius, steps, start)


@pytest.mark.parametrize(("start", "total"), [("median", pytest.approx(1)), ("zero", pytest.approx(0.7, abs=0.3))])
@settings(max_examples=10)
@given(seed=CASES["seed"], rows=CASES["rows"])
def test_every_row_pulls_at_a_clipped_centre(start: Any, total: Any, seed: int, rows: int) -> None:
    updates, weights, _ = rows_of(seed, rows, 0)
    found = effective_weights(CenteredClipping(None, 3, start), updates, weights, 0)
    assert found is not None and found.min() > 0 and found.sum() == total


def test_where_nothing_is_clipped_all_rows_weigh_the_same() -> None:
    updates, weights, _ = rows_of(1, 9, 0)
    found = effective_weights(CenteredClipping(1e3, 2, "zero"), updates, weights, 0)
    np.testing.assert_allclose(found, np.full(9, 1 / 9))  # type: ignore[arg-type]
