"""Sorting columns by a network of exchanges."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ceas_ray.aggregation.sorted_columns import exchanges


@given(seed=st.integers(0, 10**6), rows=st.integers(1, 40))
def test_the_network_of_exchanges_sorts(seed: int, rows: int) -> None:
    values = np.random.default_rng(seed).integers(0, 2, rows)  # zeros and ones suffice (Knuth, 5.3.4)
    expected = sorted(values)
    for i, j in exchanges(rows):
        values[i], values[j] = sorted((values[i], values[j]))
    assert list(values) == expected
