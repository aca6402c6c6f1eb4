"""Inner-product manipulation."""

from __future__ import annotations

import numpy as np

from ceas_ray.attacks.inner_product import InnerProductManipulation
from tests.attacks.contexts import context_with_equal_rows, generator


def test_all_colluders_send_the_same_negative_multiple_of_the_known_mean() -> None:
    for seed in range(200):
        seen = context_with_equal_rows(seed)
        mean = sum(seen.honest) / len(seen.honest)
        np.testing.assert_allclose(InnerProductManipulation(2.0, "omniscient")(seen, generator()), [-2 * mean] * 3)


def test_colluders_who_see_nobody_else_oppose_their_own_mean() -> None:
    seen = context_with_equal_rows(5, omniscient=False)
    sent = InnerProductManipulation(1.0, "colluders")(seen, generator())
    np.testing.assert_allclose(sent, [-seen.own.mean(axis=0)] * 3)
