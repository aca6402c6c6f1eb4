"""A shift within honest noise."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ceas_ray.aggregation.duplicate_discount import DuplicateDiscount
from ceas_ray.aggregation.mean import Mean
from ceas_ray.attacks.noise_matched_shift import NoiseMatchedShift
from tests.attacks.contexts import context, generator


@given(seed=st.integers(0, 10**6), strength=st.floats(0, 1))
def test_a_shift_up_to_strength_one_makes_no_direction_more_variable_than_honest_noise_is(
    seed: int, strength: float
) -> None:
    """In the covariance of a large population: known rows and, in their share, the same rows moved."""
    seen = context(seed, n=40, f=8)
    moved = NoiseMatchedShift(strength, "omniscient")(seen, generator()) - seen.own
    assert np.allclose(moved, moved[0])
    share, mean = 8 / 40, seen.honest.mean(axis=0)
    covariance = np.cov(seen.honest.T, bias=True)
    found = covariance + share * (1 - share) * np.outer(moved[0], moved[0])
    along = mean / np.linalg.norm(mean)
    assert along @ found @ along <= np.linalg.eigvalsh(covariance)[-1] * (1 + 1e-9)
    assert moved[0] @ mean <= 0


def test_a_shift_that_keeps_honest_noise_is_not_seen_by_the_discount() -> None:
    shares = [DuplicateDiscount(Mean()), Mean()]
    for seed in range(10):
        seen = context(seed, n=50, f=10, d=16)
        sent = np.concatenate([NoiseMatchedShift(1.0, "omniscient")(seen, generator()), seen.honest])
        one, other = (rule(sent, np.full(50, 1 / 50), 10) for rule in shares)
        assert np.allclose(one, other)
