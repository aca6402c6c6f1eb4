"""How many pairs links generate for those that are used."""

from __future__ import annotations

import math
from typing import Any

import pytest

from ceas_ray.network.route import Route, Swapping
from ceas_ray.scheduling.base_stock import BaseStock
from ceas_ray.scheduling.clairvoyant import Clairvoyant
from ceas_ray.scheduling.oblivious import Oblivious
from ceas_ray.scheduling.on_demand import OnDemand
from ceas_ray.scheduling.time_sharing import TimeSharing
from ceas_ray.scheduling.two_level import TwoLevel
from ceas_ray.world.generation import generated_for_a_pair, mean_age, stock_kept
from tests.network.hardware import HARDWARE

LINK = HARDWARE.link(1.0, 0.97)
HERALDED = LINK.modes * LINK.success_probability / (1 - (1 - LINK.success_probability) ** LINK.modes)
LONG = 10**15


@pytest.mark.parametrize(("scheduler", "kept"), [
    (Oblivious(), 24), (BaseStock(7), 7), (TwoLevel(3, 14), 3), (TwoLevel(99, 14), 24), (OnDemand(), None),
    (Clairvoyant(), None), (TimeSharing(TwoLevel(4, 8), OnDemand(), 0.25), 3.0),
])  # fmt: skip
def test_a_stock_is_what_a_scheduler_keeps_when_nobody_asks(scheduler: Any, kept: float | None) -> None:
    assert stock_kept(scheduler, 24) == kept


def test_an_attempt_that_heralds_several_pairs_wastes_all_but_one() -> None:
    found = generated_for_a_pair(Route.of([LINK], Swapping(1.0)), LONG)
    assert found == pytest.approx(HERALDED)


def test_failed_swaps_cost_the_pairs_of_both_legs() -> None:
    found = generated_for_a_pair(Route.of([LINK, LINK], Swapping(1.0, success=0.5)), LONG)
    assert found == pytest.approx(2 * 2 * HERALDED)


def test_a_pair_that_grows_too_old_is_made_once_more() -> None:
    """On two equal legs that wait in vain with probability 1 - P there are 1 + 1/P pairs for one."""
    age = 10**8
    served = -math.expm1(-LINK.rate * age / 1e12)
    found = generated_for_a_pair(Route.of([LINK, LINK], Swapping(1.0)), age)
    assert found == pytest.approx((1 + 1 / served) * HERALDED)


def test_a_single_link_never_waits_and_a_route_no_longer_than_its_pairs_live() -> None:
    assert mean_age(Route.of([LINK], Swapping(1.0)), LONG) == 0.0
    route = Route.of([LINK, LINK], Swapping(1.0))
    assert mean_age(route, 10) == 5.0, "short of the mean wait any time is as likely"
    assert 0.0 < mean_age(route, 10**9) < 10**9


def test_pairs_that_live_far_longer_than_the_other_leg_takes_wait_for_its_mean_time() -> None:
    route = Route.of([LINK, LINK], Swapping(1.0))
    assert mean_age(route, round(1e16 / route.rate)) == pytest.approx(1e12 / route.rate)
