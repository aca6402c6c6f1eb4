"""Nodes in a square, linked where they are near."""

from __future__ import annotations

import math

import numpy as np

from ceas_ray.network.random_geometric import RandomGeometric


def test_exactly_the_pairs_within_the_radius_are_linked_and_as_long_as_they_are_apart() -> None:
    near, far = (
        RandomGeometric(15, 4.0, radius, None, "rate").layout(np.random.default_rng(3)) for radius in (1.5, 40_000.0)
    )
    lengths = np.asarray(far.lengths_km, float)
    assert len(far.pairs) == 15 * 14 // 2
    np.testing.assert_array_equal(near.pairs, np.asarray(far.pairs)[lengths <= 1.5])
    np.testing.assert_array_equal(near.lengths_km, lengths[lengths <= 1.5])
    assert lengths.max() <= 4.0 * math.sqrt(2)
