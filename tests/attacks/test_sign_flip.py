"""Sign flip."""

from __future__ import annotations

import numpy as np

from ceas_ray.attacks.sign_flip import SignFlip
from tests.attacks.contexts import context_with_equal_rows, generator


def test_each_colluder_sends_a_negative_multiple_of_its_own_row() -> None:
    for seed in range(200):
        seen = context_with_equal_rows(seed)
        np.testing.assert_allclose(SignFlip(3.0, "omniscient")(seen, generator()), -3 * seen.own, atol=1e-12)
