"""Free riders."""

from __future__ import annotations

import numpy as np

from ceas_ray.attacks.attack import AttackContext
from ceas_ray.attacks.free_rider import FreeRider
from tests.attacks.contexts import context_with_equal_rows, generator


def test_without_a_strength_a_free_rider_sends_zeros() -> None:
    for seed in range(200):
        seen = context_with_equal_rows(seed)
        assert np.array_equal(FreeRider(0.0, "omniscient")(seen, generator()), np.zeros((3, 3)))


def test_noise_of_a_free_rider_has_a_share_of_its_own_row_s_deviation() -> None:
    """Each row of 4,000 entries estimates its deviation to about 1 %."""
    own = np.random.default_rng(2).normal(0.5, [[1.0], [3.0]], (2, 4000))
    seen = AttackContext(own, np.empty((0, 4000)), 8, lambda rows: rows[0])
    sent = FreeRider(0.5, "colluders")(seen, generator())
    np.testing.assert_allclose(np.std(sent, axis=1), 0.5 * np.std(own, axis=1), rtol=0.05)
    np.testing.assert_allclose(np.mean(sent, axis=1), 0.0, atol=0.1)
