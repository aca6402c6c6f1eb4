"""The abstract model: every state is safe and live."""

from __future__ import annotations

import pytest

from ceas_ray.consensus.exploration.abstract_model import AbstractModel


@pytest.mark.slow
@pytest.mark.parametrize(
    ("values", "symmetric", "states"), [(2, True, 265_198), (2, False, 3_136_055), (3, True, 395_696)]
)
def test_every_state_of_the_abstract_model_is_safe_and_live(values: int, symmetric: bool, states: int) -> None:
    found = AbstractModel(4, 2, values).explore(symmetric)
    assert (found.states, found.disagreements, found.not_live) == (states, 0, 0)
