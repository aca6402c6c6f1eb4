"""Midpoints along a spanning tree."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse.csgraph import minimum_spanning_tree

from ceas_ray.attacks.bridges import Bridges, spanning_tree
from tests.attacks.contexts import context, generator


@given(seed=st.integers(0, 10**6), rows=st.integers(1, 12))
def test_a_spanning_tree_is_as_short_as_scipy_s(seed: int, rows: int) -> None:
    draw = np.random.default_rng(seed)
    points = draw.normal(size=(rows, 3))
    distances = ((points[:, None] - points[None]) ** 2).sum(axis=-1)
    edges = spanning_tree(distances)
    assert len(edges) == rows - 1
    assert sum(distances[i, j] for i, j in edges) == pytest.approx(minimum_spanning_tree(distances).sum())


def test_bridges_are_midpoints_of_honest_rows() -> None:
    seen = context(3)
    middles = {tuple(np.round((a + b) / 2, 9)) for a in seen.honest for b in seen.honest if a is not b}
    assert all(tuple(np.round(row, 9)) in middles for row in Bridges(1.0, "omniscient")(seen, generator()))
