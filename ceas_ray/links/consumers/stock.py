"""Stock policies as compiled loops see them: how many pairs a leg may have, and make, in a slot of its demand."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ceas_ray.kernel.compiled_code import COMPILED_PART, njit
from ceas_ray.kernel.time import FOREVER
from ceas_ray.links.engine.attempts import allow
from ceas_ray.links.engine.state import segment_of
from ceas_ray.messages.payloads import BirthTables, JustInTimePolicy, StockPolicy, TimeSharedPolicy
from ceas_ray.scheduling.stocks import max_stock, state_number, stock_states

WHOLE_GAP = -1.0
_NO_TABLES = BirthTables(
    gap_births=np.zeros((0, 0, 0), np.uint8),
    burst_births=np.zeros((0, 0, 0), np.uint8),
    second_share=0.0,
    gap_slots=1,
    gap_stock=0,
    classes=1,
)


class StockRule(NamedTuple):
    """A stock policy, or two between which chance decides: see `StockPolicy`, those that extend it, and `BirthTables`.

    Where there are no tables the limits hold, of the first policy and of the second. lead_periods: how long before a
    burst the limit of a gap begins to hold, WHOLE_GAP: at once. idle_until: with tables, how many slots before a burst
    pairs may first be made in its gap: 0 if never, FOREVER if in gaps of any length. gap_counts, burst_counts: what
    `state_number` needs of either chain. stock: room to count the pairs of a leg by age, as many classes as either
    chain has.
    """

    gap_limit: tuple[int, int]
    burst_limit: tuple[int, int]
    demand_driven: tuple[bool, bool]
    freshest_first: tuple[bool, bool]
    clairvoyant: bool
    lead_periods: float
    gap_births: Any
    burst_births: Any
    second_share: float
    gap_slots: int
    idle_until: tuple[int, int]
    gap_counts: Any
    burst_counts: Any
    stock: Any


class Slot(NamedTuple):
    """A slot of the demand. variant: which of two policies holds. ends: when it ends, or in a gap would if it were as
    long as a burst's. to_come: shots of the burst, or slots of the gap, this one included. is_early: whether it is in a
    gap, before the limit of the gap holds."""

    variant: int
    in_burst: bool
    ends: int
    to_come: int
    is_early: bool


def read_only(array: Any) -> Any:
    """Return the array read-only, as those of messages are, so that a loop is compiled once."""
    view = np.ascontiguousarray(array).view()
    view.setflags(write=False)
    return view


def stock_rule(policy: StockPolicy, slots: int) -> StockRule:
    """Return a policy for links with this many memory slots."""
    tables = policy.tables or _NO_TABLES
    classes = tables.classes - 1
    second, second_share = policy, tables.second_share
    if isinstance(policy, TimeSharedPolicy):
        second, second_share = policy.second, policy.second_share
    gap_counts = stock_states(tables.gap_stock, classes * tables.gap_slots)[1]
    burst_counts = stock_states(min(slots, max_stock(tables.burst_births.shape[-1], classes)), classes)[1]
    return StockRule(
        gap_limit=(policy.gap_limit, second.gap_limit),
        burst_limit=(policy.burst_limit, second.burst_limit),
        demand_driven=(policy.demand_driven, second.demand_driven),
        freshest_first=(policy.freshest_first, second.freshest_first),
        clairvoyant=policy.clairvoyant,
        lead_periods=float(policy.lead_periods) if isinstance(policy, JustInTimePolicy) else WHOLE_GAP,
        gap_births=read_only(tables.gap_births),
        burst_births=read_only(tables.burst_births),
        second_share=float(second_share),
        gap_slots=tables.gap_slots,
        idle_until=(_idle_until(tables.gap_births[:1]), _idle_until(tables.gap_births[1:])),
        gap_counts=gap_counts,
        burst_counts=burst_counts,
        stock=np.zeros(max(len(gap_counts), len(burst_counts)) - 1, np.int64),
    )


def _idle_until(gap_births: NDArray[np.uint8]) -> int:
    """Return `StockRule.idle_until` of one policy.

    gap_births: (1, phases, states), or (0, ...) without tables; the last phase is that of longer gaps too.
    """
    made = np.flatnonzero(gap_births.any(axis=(0, 2)))
    if not len(made):
        return 0
    return FOREVER if made[-1] + 1 == gap_births.shape[1] else int(made[-1]) + 1


@njit(**COMPILED_PART)
def has_tables(rule):  # type: ignore[no-untyped-def]
    """Return whether the policy is that of a decision process."""
    return len(rule.burst_births) > 0


@njit(**COMPILED_PART)
def gap_limit_from(rule, demand, opens):  # type: ignore[no-untyped-def]
    """Return the time from which the limit of the gap that ends at `opens` holds, without tables, ps."""
    if rule.lead_periods < 0.0:
        return -FOREVER
    return opens - int(min(rule.lead_periods * demand.slot, float(FOREVER // 4)))


@njit(**COMPILED_PART)
def stock_number(route, rule, demand, slot, g):  # type: ignore[no-untyped-def]
    """Return the state of the chain (`perishable_chain`) of leg g now: finished pairs by age, -1 if it has none like
    that.

    A swapped pair counts on each of its legs with the age of its oldest pair.
    """
    counts = rule.burst_counts if slot.in_burst else rule.gap_counts
    classes, held = counts.shape[0] - 1, 0
    by_age = rule.stock[:classes]
    by_age[:] = 0
    for row in range(route.first, route.first + route.live):
        segment = segment_of(route, row)
        if not (segment.first <= g < segment.last) or segment.rounds_left != 0:
            continue
        if slot.ends - segment.born > route.useful_age:
            continue
        if slot.in_burst:
            age = slot.ends - segment.born - 1 - demand.slot
        else:
            age = (route.now - segment.born - 1) * rule.gap_slots
        lived = 0
        while age >= demand.slot and lived < classes:  # a few times: faster than to divide
            age -= demand.slot
            lived += 1
        if lived < classes:
            by_age[lived] += 1
            held += 1
    return state_number(by_age, counts) if held <= counts.shape[1] - 2 else -1


@njit(**COMPILED_PART)
def limits(rule, demand, slot, number):  # type: ignore[no-untyped-def]
    """Return how many finished pairs a leg may have during a slot, and how many it may make in it.

    number: of its stock, where there are tables.
    """
    if not has_tables(rule):
        if not slot.in_burst:
            return (0 if slot.is_early else rule.gap_limit[slot.variant]), FOREVER
        needed, limit = slot.to_come * demand.pairs, rule.burst_limit[slot.variant]
        return (min(limit, needed) if rule.demand_driven[slot.variant] else limit), FOREVER
    if number < 0:
        return FOREVER, 0
    table = rule.burst_births[slot.variant] if slot.in_burst else rule.gap_births[slot.variant]
    return FOREVER, int(table[min(len(table), slot.to_come) - 1, number])


@njit(**COMPILED_PART)
def allow_for_slot(route, rule, demand, slot):  # type: ignore[no-untyped-def]
    """Tell every leg what the policy lets it do in the slot that begins now."""
    for g in range(route.number):
        number = stock_number(route, rule, demand, slot, g) if has_tables(rule) else 0
        limit, births = limits(rule, demand, slot, number)
        allow(route, g, limit, births)
