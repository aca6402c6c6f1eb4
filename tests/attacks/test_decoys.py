"""Decoys that use up a filter's budget."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ceas_ray.aggregation.divide_and_conquer import DivideAndConquer
from ceas_ray.attacks.decoys import Decoys
from tests.attacks.contexts import context, generator


@given(seed=st.integers(0, 10**6), share=st.floats(0, 1))
def test_decoys_stand_at_right_angles_to_the_gradient(seed: int, share: float) -> None:
    seen = context(seed, f=6, n=30)
    sent, mean = Decoys(2.0, share, 3.0, "omniscient")(seen, generator()), seen.honest.mean(axis=0)
    count = round(share * 6)
    np.testing.assert_allclose((sent[:count] - mean) @ mean, 0.0, atol=1e-9)
    np.testing.assert_allclose(sent[count:], seen.own[count:] - 2.0 * mean, atol=1e-12)


def test_decoys_spend_what_a_filter_may_remove() -> None:
    """With decoys more of the shift is left in the aggregate of a filter with a budget."""
    left = {0.0: 0.0, 0.5: 0.0}
    for seed in range(20):
        seen = context(seed, DivideAndConquer(), n=50, f=10, d=16)
        for share in left:
            sent = Decoys(2.0, share, 6.0, "omniscient")(seen, generator())
            left[share] += float(seen.outcome(sent) @ seen.honest.mean(axis=0))
    assert left[0.5] < left[0.0]
