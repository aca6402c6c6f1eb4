"""Gaussian noise."""

from __future__ import annotations

import numpy as np

from ceas_ray.attacks.gaussian import Gaussian
from tests.attacks.contexts import context_with_equal_rows, generator


def test_noise_is_as_large_as_the_known_rows_entries_times_the_strength() -> None:
    for seed in range(200):
        seen = context_with_equal_rows(seed)
        size = 2 * np.sqrt(sum(x**2 for row in seen.honest for x in row) / seen.honest.size)
        sent = Gaussian(2.0, "omniscient")(seen, generator())
        np.testing.assert_allclose(sent, generator().normal(0.0, size, (3, 3)), atol=1e-12)
