"""Min-max."""

from __future__ import annotations

import numpy as np

from ceas_ray.attacks.farthest_row import pairwise_squared_distances
from ceas_ray.attacks.min_max import MinMax
from tests.attacks.contexts import context_with_equal_rows, generator


def test_the_farthest_known_row_is_as_far_as_the_two_farthest_are_from_each_other() -> None:
    for seed in range(50):
        seen = context_with_equal_rows(seed)
        sent = MinMax(1.0, "unit", "omniscient")(seen, generator())[0]
        farthest = float(np.max(np.sum((seen.honest - sent) ** 2, axis=1)))
        np.testing.assert_allclose(farthest, np.max(pairwise_squared_distances(seen.honest)), rtol=1e-9)


def test_rows_that_are_all_equal_leave_no_room() -> None:
    rows = np.ones((5, 3))
    assert MinMax(1.0, "unit", "omniscient").largest_step(rows, np.array([-1.0, 0.0, 0.0])) == 0.0
