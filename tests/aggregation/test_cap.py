"""The cap on weights: how much a row may weigh, and how many rows must carry weight."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ceas_ray.aggregation.cap import cap_for, capped


@given(st.lists(st.floats(0.01, 100), min_size=2, max_size=60), st.floats(1, 3))
def test_no_weight_exceeds_the_cap_and_enough_rows_carry_weight(raw: list[float], cap: float) -> None:
    weights = np.array(raw) / np.sum(raw)
    result = capped(weights, cap)
    assert result.sum() == pytest.approx(1)
    assert result.max() <= cap / len(raw) + 1e-9
    assert np.count_nonzero(result) >= np.ceil(len(raw) / cap - 1e-9)
    assert np.all(np.diff(result[np.argsort(weights, kind="stable")]) >= -1e-12)


@given(raw=st.lists(st.floats(0.01, 1), min_size=1, max_size=12), without=st.integers(1, 4), cap=st.floats(1, 3))
def test_rows_without_weight_share_only_what_the_cap_leaves(raw: list[float], without: int, cap: float) -> None:
    rows = len(raw) + without
    result = capped(np.array(raw + [0.0] * without) / sum(raw), cap)
    left = max(0.0, 1 - len(raw) * cap / rows)
    assert result[len(raw) :] == pytest.approx(left / without, abs=1e-9)


@given(st.floats(1, 3), st.integers(0, 24))
def test_the_cap_bounds_the_mass_of_the_byzantine(requested: float, faults: int) -> None:
    cap = cap_for(requested, faults, 50)
    share = faults / 50
    assert cap == 1.0 if share > 0.3 else cap * share <= min(1 / 3, share + 0.05) + 1e-12
