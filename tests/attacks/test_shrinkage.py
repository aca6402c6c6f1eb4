"""Shrunk rows."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ceas_ray.attacks.shrinkage import Shrinkage
from tests.attacks.contexts import context, generator


@given(seed=st.integers(0, 10**6), noise=st.floats(0, 1), strength=st.floats(-1, 3))
def test_shrunk_rows_lie_about_a_part_of_the_mean(seed: int, noise: float, strength: float) -> None:
    seen = context(seed)
    sent = Shrinkage(strength, noise, "omniscient")(seen, generator())
    np.testing.assert_allclose(sent.mean(axis=0), (1 - strength) * seen.honest.mean(axis=0), atol=1e-9)
    np.testing.assert_allclose(sent - sent.mean(axis=0), noise * (seen.own - seen.own.mean(axis=0)), atol=1e-9)
