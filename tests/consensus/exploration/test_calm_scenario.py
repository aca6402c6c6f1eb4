"""Liveness after the calm."""

from __future__ import annotations

import pytest

from ceas_ray.consensus.exploration.abstract_model import AbstractModel
from ceas_ray.consensus.exploration.calm_scenario import CalmScenario


@pytest.mark.parametrize("replicas", [4, 7])
def test_after_the_calm_the_first_view_of_an_honest_leader_decides(replicas: int) -> None:
    events = 0
    for seed in range(60):
        scenario = CalmScenario(seed, AbstractModel(replicas, 4))
        scenario.run()
        events += scenario.events
    assert events > 1000
