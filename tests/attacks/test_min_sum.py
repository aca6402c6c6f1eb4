"""Min-sum."""

from __future__ import annotations

import numpy as np

from ceas_ray.attacks.farthest_row import pairwise_squared_distances
from ceas_ray.attacks.min_sum import MinSum
from tests.attacks.contexts import context_with_equal_rows, generator


def test_squared_distances_sum_to_those_of_the_known_row_that_is_farthest_from_the_others() -> None:
    for seed in range(50):
        seen = context_with_equal_rows(seed)
        sent = MinSum(1.0, "unit", "omniscient")(seen, generator())[0]
        bound = np.max(np.sum(pairwise_squared_distances(seen.honest), axis=1))
        np.testing.assert_allclose(np.sum((seen.honest - sent) ** 2), bound, rtol=1e-9)


def test_rows_that_are_all_equal_leave_no_room() -> None:
    rows = np.ones((5, 3))
    assert MinSum(1.0, "unit", "omniscient").largest_step(rows, np.array([-1.0, 0.0, 0.0])) == 0.0
