"""Equivocation."""

from __future__ import annotations

import numpy as np

from ceas_ray.attacks.equivocation import Equivocation
from tests.attacks.contexts import context_with_equal_rows, generator


def test_every_other_replica_gets_the_honest_row_and_the_rest_one_against_the_mean() -> None:
    for seed in range(200):
        seen = context_with_equal_rows(seed)
        mean = sum(seen.honest) / len(seen.honest)
        versions = Equivocation(2.0, "omniscient")(seen, generator())
        np.testing.assert_array_equal(versions[:, 0], seen.own)
        np.testing.assert_allclose(versions[:, 1], np.tile(-2 * mean, (3, 1)), atol=1e-12)
