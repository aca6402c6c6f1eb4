"""A closed chain of nodes."""

from __future__ import annotations

import numpy as np

from ceas_ray.network.ring import Ring


def test_each_node_is_linked_to_the_next_and_the_last_to_the_first() -> None:
    layout = Ring(4, None, None, "rate").layout(np.random.default_rng(0))
    assert list(layout.pairs) == [(0, 1), (1, 2), (2, 3), (3, 0)]
    assert list(layout.lengths_km) == [None] * 4
