"""What rules share: distances between rows, and how many faults a rule stands."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ceas_ray.aggregation.median import Median
from ceas_ray.aggregation.rule import max_faults, squared_distances
from ceas_ray.aggregation.spectral_filter import SpectralFilter
from ceas_ray.aggregation.weighted_mean import WeightedMean


@given(seed=st.integers(0, 10**6), rows=st.integers(2, 10), scale=st.floats(-8, 8))
def test_distances_are_those_of_plain_loops_however_far_rows_lie(seed: int, rows: int, scale: float) -> None:
    draw = np.random.default_rng(seed)
    updates = draw.normal(size=(rows, 3)) + 10.0 ** draw.uniform(-8, scale, (rows, 1))
    updates[1] = updates[0]
    plain = np.array([[np.sum((a - b) ** 2) for b in updates] for a in updates])
    np.testing.assert_allclose(squared_distances(updates), plain, rtol=1e-8)


def test_a_rule_states_how_many_it_stands() -> None:
    assert [max_faults(rule, 10) for rule in (Median(), SpectralFilter(), WeightedMean())] == [4, 4, 0]
    assert [max_faults(rule, 9) for rule in (Median(), SpectralFilter())] == [4, 3]
