"""Max-weight on a hub's shared channels."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from ceas_ray.scheduling.max_weight import MaxWeight
from ceas_ray.scheduling.on_demand import OnDemand
from tests.scheduling.measured import R0, SMALL

SUCCESSES = (0.3, 0.6, 0.9)
LINKS = [replace(SMALL, trials=1, success=success, modes=1) for success in SUCCESSES]


def test_a_link_with_a_channel_of_its_own_generates_on_demand() -> None:
    link = R0.link_class(R0.supply)
    assert MaxWeight().stock_policy(link) == OnDemand().stock_policy(link)


def queues(load: float, slots: int = 6000) -> NDArray[np.int64]:
    """Requests that wait at the end, where one channel serves three links that ask for `load` of its time."""
    generator = np.random.default_rng(1)
    arrivals = load * np.array([0.5, 0.3, 0.2]) * np.array(SUCCESSES)
    worth = MaxWeight().channel_rule(LINKS, 1).pair_worth
    waiting = np.zeros(3, np.int64)
    for came, served in zip(generator.random((slots, 3)) < arrivals, generator.random(slots), strict=True):
        waiting += came
        k = int(np.argmax(worth * waiting))
        waiting[k] -= waiting[k] > 0 and served < SUCCESSES[k]
    return waiting


def test_queues_stay_short_inside_the_capacity_region_and_grow_outside_it() -> None:
    assert queues(0.9).sum() < 60
    assert queues(1.2).sum() > 200


def test_rates_are_those_of_a_channel() -> None:
    rule = MaxWeight().channel_rule(LINKS, 2)
    assert rule.pair_worth.tolist() == pytest.approx(list(SUCCESSES)) and len(rule.due) == 0
