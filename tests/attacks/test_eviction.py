"""Eviction."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ceas_ray.attacks.eviction import Eviction
from tests.attacks.contexts import context, generator


@given(seed=st.integers(0, 10**6))
def test_eviction_sends_the_rows_that_point_farthest_along_the_gradient(seed: int) -> None:
    seen = context(seed)
    sent, along = Eviction(1.0, "omniscient")(seen, generator()), seen.honest.mean(axis=0)
    assert all((row == seen.honest).all(axis=1).any() for row in sent)
    left = [row for row in seen.honest if not (row == sent).all(axis=1).any()]
    assert min(sent @ along) >= max(row @ along for row in left)
