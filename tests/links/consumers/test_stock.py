"""Stock policies as compiled loops see them."""

from __future__ import annotations

from collections import namedtuple
from typing import Any

from ceas_ray.kernel.compiled_code import COMPILED, njit
from ceas_ray.kernel.time import FOREVER
from ceas_ray.links.consumers.stock import WHOLE_GAP, Slot, gap_limit_from, limits, stock_rule
from ceas_ray.messages.payloads import StockPolicy


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
