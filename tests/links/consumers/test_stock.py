"""Stock policies as compiled loops see them."""

from __future__ import annotations

from collections import namedtuple
from typing import Any

import numpy as np
import pytest

from ceas_ray.kernel.compiled_code import COMPILED, njit
from ceas_ray.kernel.time import FOREVER
from ceas_ray.links.consumers import stock
from ceas_ray.links.consumers.stock import WHOLE_GAP, Slot, gap_limit_from, limits, stock_rule
from ceas_ray.messages.payloads import BirthTables, StockPolicy
from tests.links.routes import bursts, serve
from tests.network.hardware import HARDWARE


@njit(**(COMPILED | {"cache": False}))
def limits_of(rule, demand, slot, number):  # type: ignore[no-untyped-def]
    return limits(rule, demand, slot, number)


@njit(**(COMPILED | {"cache": False}))
def gap_limit_of(rule, demand, opens):  # type: ignore[no-untyped-def]
    return gap_limit_from(rule, demand, opens)


Asked = namedtuple("Asked", "pairs slot")
DEMAND = Asked(pairs=6, slot=1000)


def slot(in_burst: bool, to_come: int = 1, *, is_early: bool = False) -> Slot:
    return Slot(variant=0, in_burst=in_burst, ends=1000, to_come=to_come, is_early=is_early)


def rule(*, demand_driven: bool) -> Any:
    return stock_rule(StockPolicy(gap_limit=2, burst_limit=14, demand_driven=demand_driven), 24)


def test_a_policy_without_tables_has_its_limits_and_makes_any_number() -> None:
    made = rule(demand_driven=False)
    assert not len(made.burst_births)
    assert limits_of(made, DEMAND, slot(False), 0) == (2, FOREVER)
    assert limits_of(made, DEMAND, slot(True, 1), 0) == (14, FOREVER)


def test_on_demand_no_more_is_kept_than_the_burst_still_needs() -> None:
    made = rule(demand_driven=True)
    assert [limits_of(made, DEMAND, slot(True, left), 0)[0] for left in (1, 2, 3)] == [6, 12, 14]


def test_before_the_limit_of_a_gap_holds_nothing_is_kept() -> None:
    assert limits_of(rule(demand_driven=False), DEMAND, slot(False, is_early=True), 0) == (0, FOREVER)


def test_the_limit_of_a_gap_holds_at_once_or_some_periods_before_the_burst() -> None:
    made = rule(demand_driven=True)
    assert made.lead_periods == WHOLE_GAP
    assert gap_limit_of(made, DEMAND, 50_000) == -FOREVER
    assert gap_limit_of(made._replace(lead_periods=2.5), DEMAND, 50_000) == 47_500


def tabled(births_of_gap: list[int], burst_births: int) -> StockPolicy:
    """A policy that in a gap makes pairs if it has none; births_of_gap: by slots to the burst."""
    gap = np.array([[[births, 0, 0] for births in births_of_gap]], np.uint8)
    burst = np.array([[[burst_births, burst_births]]], np.uint8)
    tables = BirthTables(gap_births=gap, burst_births=burst, second_share=0.0, gap_slots=2, gap_stock=1, classes=2)
    return StockPolicy(gap_limit=0, burst_limit=2, demand_driven=True, tables=tables)


@pytest.mark.parametrize(("births_of_gap", "idle_until"), [
    ([0], 0), ([2], FOREVER), ([0, 1, 0, 0], 2), ([1, 0, 0], 1), ([0, 0, 1], FOREVER),
])  # fmt: skip
def test_slots_in_which_nothing_may_be_made_pass_as_one_and_change_nothing(
    births_of_gap: list[int], idle_until: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    policy = tabled(births_of_gap, 2)
    assert stock_rule(policy, 4).idle_until == (idle_until, 0)
    link = HARDWARE.link(1.0, 0.97)
    period = round(2 / link.rate * 1e12)
    releases = bursts(period, 200, 1)
    asked = {"pairs": 1, "slots": 4, "deadline": period, "slot": period, "useful_age": 2 * period}
    at_once = serve([link], policy, 1, releases, np.zeros(len(releases), bool), **asked)
    monkeypatch.setattr(stock, "_idle_until", lambda gap_births: FOREVER)
    one_by_one = serve([link], policy, 1, releases, np.zeros(len(releases), bool), **asked)
    assert at_once["on_time"].any()
    for name in at_once:
        np.testing.assert_array_equal(at_once[name], one_by_one[name])
