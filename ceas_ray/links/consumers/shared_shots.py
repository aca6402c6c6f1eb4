"""Shots of links that share a hub's channels: one loop over the group, because who may attempt depends on all.

Time runs in allocation slots. In each, a link *asks* for a channel if its policy would let it generate; the hub drives
at most `channels` of those that ask, by priority. All releases and deadlines must be whole numbers of allocation slots,
and the hub hears at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ceas_ray.kernel.compiled_code import COMPILED, COMPILED_PART, njit
from ceas_ray.links.consumers.shot_demand import ShotDemand
from ceas_ray.links.consumers.stacked_links import arrays_of_links, cube_of, demand_of, rule_of, stacked
from ceas_ray.links.consumers.stock import Slot, StockRule, gap_limit_from, has_tables, limits, stock_number
from ceas_ray.links.engine.advance import advance
from ceas_ray.links.engine.attempts import allow, begin
from ceas_ray.links.engine.draws import uniform
from ceas_ray.links.engine.records import uncounted
from ceas_ray.links.engine.route import RouteState
from ceas_ray.links.engine.segments import chosen, close, go_on, pair_at, take, usable
from ceas_ray.links.engine.state import route_at, source_of
from ceas_ray.messages.pair_books import USED
from ceas_ray.quantum.pair_physics import werner_of
from ceas_ray.scheduling.channel_rule import GOING_ROUND, ChannelRule


class Channels(NamedTuple):
    """The hub's channels: how many links it drives at a time, for how long before it chooses anew, ps, and how it ranks
    those that ask, where limits hold."""

    number: int
    slot: int
    rule: ChannelRule = GOING_ROUND


class SharedBooks(NamedTuple):
    """on_time (links, shots), werner_sum (links,): over the pairs used; asked, driven: channel slots asked for and
    granted in all, (1,) each."""

    on_time: Any
    werner_sum: Any
    asked: Any
    driven: Any


class _Links(NamedTuple):
    """All links: addresses (links,) of their routes; of each its policy, its demand, and what generating is worth in a
    gap and in a burst, stacked (`stacked_links`)."""

    addresses: Any
    policies: Any
    demands: Any
    gap_gains: Any
    burst_gains: Any


class _Turns(NamedTuple):
    """Of every link, (links,): the next shot, shots of the burst that are left, the policy that holds, when its slot
    ends, the limits in it, whether it asks, what that is worth, and the channel slots that it is owed."""

    shot: Any
    left: Any
    variant: Any
    slot_ends: Any
    limit: Any
    births: Any
    asks: Any
    worth: Any
    owed: Any


def serve_shared_shots(
    states: Sequence[RouteState],
    *,
    policies: Sequence[StockRule],
    demands: Sequence[ShotDemand],
    gains: Sequence[Any],
    channels: Channels,
) -> tuple[SharedBooks, NDArray[np.int64]]:
    """Serve the shots of all links, the same number on each. Return what became of them, and the stocks, int64
    (links,).

    states, policies, demands: one a link. gains: of each link what generating in a slot is worth in a gap and
    in a burst, (policies, phases, states) each, for the priority; empty where limits hold: then links in a burst come
    first, and the hub goes round.
    """
    number, shots = len(states), len(demands[0].releases)
    books = SharedBooks(np.zeros((number, shots), bool), np.zeros(number), np.zeros(1, np.int64), np.zeros(1, np.int64))
    shot, left, variant, slot_ends, limit, births = np.zeros((6, number), np.int64)
    worth, owed = np.zeros((2, number))
    turns = _Turns(shot, left, variant, slot_ends, limit, births, np.zeros(number, bool), worth, owed)
    links = _Links(
        np.array([state.address for state in states]), stacked(policies), stacked(demands),
        arrays_of_links([gap for gap, _ in gains]), arrays_of_links([burst for _, burst in gains]),
    )  # fmt: skip
    return books, _serve(links, channels, turns, books)


@njit(**COMPILED)
def _serve(links, channels, turns, books):  # type: ignore[no-untyped-def]
    links, channels, turns, books = uncounted(links), uncounted(channels), uncounted(turns), uncounted(books)
    number, shots = books.on_time.shape
    for k in range(number):
        begin(route_at(links.addresses[k]))
    now, round_, serving = links.demands.start[0], 0, number
    while serving > 0:
        for k in range(number):
            turns.asks[k] = False
            if turns.shot[k] < shots:
                route, demand = route_at(links.addresses[k]), demand_of(links.demands, k)
                _ask(route, links, demand, turns, k, round_)
                _rank(route, demand, channels.rule, turns, k)
        _drive(channels, turns, books)
        round_ += 1
        now += channels.slot
        for k in range(number):
            if turns.shot[k] == shots:
                continue
            route, demand = route_at(links.addresses[k]), demand_of(links.demands, k)
            births = turns.births[k] if turns.asks[k] else 0
            allow(route, 0, turns.limit[k], births)
            advance(route, now)
            turns.births[k] -= births - source_of(route, 0).births_left
            if now >= demand.start + demand.releases[turns.shot[k]] + demand.deadline:
                _execute(route, demand, turns, books, k)
                serving -= turns.shot[k] == shots
    stocks = np.zeros(number, np.int64)
    for k in range(number):
        stocks[k] = close(route_at(links.addresses[k]))[0]
    return stocks


@njit(**COMPILED_PART)
def _ask(route, links, demand, turns, k, round_):  # type: ignore[no-untyped-def]
    """Note what link k may do now, whether it asks, and what that is worth."""
    now = route.now
    if turns.left[k] == 0:  # a new gap
        second_share = links.policies.second_share[k]
        turns.variant[k] = 1 if second_share > 0.0 and uniform(route) < second_share else 0
        turns.left[k] = min(demand.burst, len(demand.releases) - turns.shot[k])
        turns.slot_ends[k] = now
    if now >= turns.slot_ends[k]:  # a slot of the policy begins
        _begin_slot(route, links, demand, turns, k, round_)
    turns.asks[k] = source_of(route, 0).finished < min(turns.limit[k], route.slots) and turns.births[k] > 0


@njit(**COMPILED_PART)
def _begin_slot(route, links, demand, turns, k, round_):  # type: ignore[no-untyped-def]
    """Begin a slot of the policy of link k: note when it ends, its limits, and what generating in it is worth."""
    rule, number = rule_of(links.policies, k), len(links.addresses)
    now, release = route.now, demand.start + demand.releases[turns.shot[k]]
    in_burst, tabled, length = now >= release, has_tables(rule), demand.slot // rule.gap_slots
    if in_burst:
        turns.slot_ends[k] = release + demand.deadline
        slot = Slot(turns.variant[k], True, turns.slot_ends[k], turns.left[k], False)
    else:
        holds_from = gap_limit_from(rule, demand, release)
        is_early = not tabled and now < holds_from
        turns.slot_ends[k] = min(release, now + length) if tabled else (holds_from if is_early else release)
        slot = Slot(turns.variant[k], False, now + demand.slot, -((now - release) // length), is_early)
    stock = stock_number(route, rule, demand, slot, 0) if tabled else 0
    turns.limit[k], turns.births[k] = limits(rule, demand, slot, stock)
    if not tabled:
        turns.worth[k] = (number if in_burst else 0) + (k - round_) % number
    elif stock >= 0:
        gains = cube_of(links.burst_gains, k) if in_burst else cube_of(links.gap_gains, k)
        gain = gains[slot.variant]
        turns.worth[k] = gain[min(len(gain), slot.to_come) - 1, stock]
    else:
        turns.worth[k] = 0.0


@njit(**COMPILED_PART)
def _rank(route, demand, rule, turns, k):  # type: ignore[no-untyped-def]
    """Note what link k is worth by the rule, if it ranks by backlog or by what is owed."""
    if len(rule.pair_worth) > 0:
        in_burst = route.now >= demand.start + demand.releases[turns.shot[k]]
        lacks = turns.left[k] * demand.pairs - source_of(route, 0).finished if in_burst else 0
        turns.worth[k] = rule.pair_worth[k] * lacks
    elif len(rule.due) > 0:
        turns.owed[k] += rule.due[k]
        turns.worth[k] = turns.owed[k]


@njit(**COMPILED_PART)
def _drive(channels, turns, books):  # type: ignore[no-untyped-def]
    """Drive the worthiest of those links that ask the hub; the others ask no longer."""
    asking = np.sum(turns.asks)
    books.asked[0] += asking
    if asking > channels.number:
        order = np.argsort(np.where(turns.asks, -turns.worth, np.inf), kind="mergesort")
        for place in range(channels.number, len(order)):
            turns.asks[order[place]] = False
    books.driven[0] += min(asking, channels.number)
    if len(channels.rule.due) > 0:
        for k in range(len(turns.asks)):
            turns.owed[k] -= 1.0 if turns.asks[k] else 0.0


@njit(**COMPILED_PART)
def _execute(route, demand, turns, books, k):  # type: ignore[no-untyped-def]
    """Execute the next shot of link k now, if it has its pairs."""
    if usable(route) >= demand.pairs:
        books.on_time[k, turns.shot[k]] = True
        for _ in range(demand.pairs):
            row = chosen(route, False)
            books.werner_sum[k] += route.werner * werner_of(pair_at(route, row, route.now))
            take(route, row, USED)
        go_on(route)
    turns.shot[k] += 1
    turns.left[k] -= 1
    turns.slot_ends[k] = route.now
