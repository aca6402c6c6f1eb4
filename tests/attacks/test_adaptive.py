"""The adaptive strength."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ceas_ray.aggregation.trimmed_mean import TrimmedMean
from ceas_ray.attacks.adaptive import Adaptive
from ceas_ray.attacks.attack import Attack
from ceas_ray.attacks.inner_product import InnerProductManipulation
from ceas_ray.attacks.mimic import Mimic
from tests.attacks.contexts import context_with_equal_rows, generator


@given(st.integers(0, 10**6))
def test_the_adaptive_strength_hurts_more_than_any_that_it_tried(seed: int) -> None:
    seen = context_with_equal_rows(seed, TrimmedMean())
    aim = seen.honest.mean(axis=0)

    def harm(attack: Attack) -> float:
        return float(np.linalg.norm(seen.outcome(attack(seen, generator())) - aim))

    adaptive = harm(Adaptive(InnerProductManipulation(1.0, "omniscient"), 1.0, 20))
    assert adaptive >= max(harm(InnerProductManipulation(s, "omniscient")) for s in (0.0, 1.0)) - 1e-12


def test_adaptive_needs_an_attack_with_a_strength() -> None:
    with pytest.raises(ValueError, match="with a strength"):
        Adaptive(Mimic(0, "omniscient"), 1.0, 20)
