"""The voting does what the abstract model says."""

from __future__ import annotations

import pytest

from ceas_ray.consensus.exploration.abstract_model import AbstractModel
from ceas_ray.consensus.exploration.conformance import DrivenWalk


@pytest.mark.parametrize("replicas", [4, 7, 10])
def test_the_voting_does_what_the_abstract_model_says(replicas: int) -> None:
    steps = 0
    for seed in range(100):
        walk = DrivenWalk(seed, AbstractModel(replicas, 3))
        walk.run()
        steps += walk.steps
    assert steps > 1000
