"""A chain of nodes."""

from __future__ import annotations

import numpy as np

from ceas_ray.network.line import Line


def test_each_node_is_linked_to_the_next_and_the_ends_to_one_alone() -> None:
    layout = Line(4, 2.5, None, "rate").layout(np.random.default_rng(0))
    assert (layout.nodes, list(layout.pairs), list(layout.lengths_km)) == (4, [(0, 1), (1, 2), (2, 3)], [2.5] * 3)
