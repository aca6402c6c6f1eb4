"""Nodes in a square, linked at random, near ones rather than far ones."""

from __future__ import annotations

import numpy as np
import pytest

from ceas_ray.network.routing import pairs_in_square
from ceas_ray.network.waxman import Waxman


def linked_shares(alpha: float, beta: float) -> tuple[float, float]:
    """Return which shares of the nearer and of the farther half of all pairs are linked, in 20 squares of 30 nodes."""
    near = far = 0
    for seed in range(20):
        generator = np.random.default_rng(seed)
        layout = Waxman(30, 4.0, alpha, beta, None, "rate").layout(generator)
        _, lengths = pairs_in_square(30, 4.0, np.random.default_rng(seed))
        linked = np.asarray(layout.lengths_km, float) <= np.median(lengths)
        near, far = near + int(linked.sum()), far + int((~linked).sum())
    half = 20 * 30 * 29 / 4
    return near / half, far / half


def test_with_a_long_reach_a_pair_is_linked_with_probability_beta_however_far_apart() -> None:
    """Standard error of a share of 4,350 pairs: below .008."""
    assert linked_shares(1000.0, 0.4) == pytest.approx((0.4, 0.4), abs=0.032)


def test_with_a_short_reach_near_pairs_are_linked_more_often() -> None:
    near, far = linked_shares(0.2, 1.0)
    assert near > 2 * far > 0
