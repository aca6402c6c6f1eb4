"""A rectangular lattice."""

from __future__ import annotations

import numpy as np
import pytest

from ceas_ray.network.grid import Grid


def test_nodes_are_linked_to_their_neighbours_in_row_and_column() -> None:
    """Two rows of three: 0 1 2 over 3 4 5."""
    layout = Grid(2, 3, 1.0, None, "rate").layout(np.random.default_rng(0))
    assert sorted(layout.pairs) == [(0, 1), (0, 3), (1, 2), (1, 4), (2, 5), (3, 4), (4, 5)]


def test_rows_and_columns_that_make_more_nodes_than_can_be_routed_are_refused() -> None:
    with pytest.raises(ValueError, match=r"rows \* columns must be a number in \[2, 400\], got 441"):
        Grid(21, 21, 1.0, None, "rate")
