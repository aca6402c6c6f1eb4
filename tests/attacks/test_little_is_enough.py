"""A little is enough, against the paper's numbers."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
import pytest

from ceas_ray.attacks.little_is_enough import ALittleIsEnough, standard_score
from tests.attacks.contexts import context_with_equal_rows, generator


def test_a_little_is_enough_has_the_paper_s_z() -> None:
    """n = 50, f = 12: s = 14, Phi(z) = (38 - 14) / 38."""
    assert standard_score(50, 12) == pytest.approx(NormalDist().inv_cdf(24 / 38))
    assert standard_score(50, 1) == 0.0
    for seed in range(200):
        seen = context_with_equal_rows(seed)
        count = len(seen.honest)
        mean = sum(seen.honest) / count
        deviation = np.sqrt(sum((row - mean) ** 2 for row in seen.honest) / count)
        expected = mean - 1.5 * standard_score(seen.population, 3) * deviation
        np.testing.assert_allclose(ALittleIsEnough(1.5, "omniscient")(seen, generator())[0], expected, atol=1e-12)
