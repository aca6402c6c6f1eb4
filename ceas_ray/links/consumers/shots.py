"""Shots of one plan, served with the end-to-end pairs of a route."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ceas_ray.kernel.compiled_code import COMPILED, COMPILED_PART, njit
from ceas_ray.links.consumers.foresight import foresee
from ceas_ray.links.consumers.shot_demand import ShotDemand
from ceas_ray.links.consumers.stacked_links import demand_of, rule_of, stacked
from ceas_ray.links.consumers.stock import Slot, StockRule, allow_for_slot, gap_limit_from, has_tables
from ceas_ray.links.engine.advance import advance
from ceas_ray.links.engine.attempts import begin
from ceas_ray.links.engine.draws import uniform
from ceas_ray.links.engine.records import uncounted
from ceas_ray.links.engine.route import RouteState, RouteStates
from ceas_ray.links.engine.segments import (
    NO_DECAY,
    book,
    chosen,
    close,
    end_rates,
    go_on,
    pair_at,
    route_latency,
    stored,
    take,
    usable,
)
from ceas_ray.links.engine.state import leg_of, route_at, source_of
from ceas_ray.messages.pair_books import GENERATED, LATE, TESTING, TRAINING, USED
from ceas_ray.quantum.pair_physics import error_rate, fidelity_of, werner_of


class ShotBooks(NamedTuple):
    """What became of shots: counts (N, 3 uses, 5 columns): each leg's own books; on_time (shots,); werner (shots,
    pairs): of each pair that a shot spent, twirled, when its correction has arrived; tested and errors per basis X, Y,
    Z (3,); events (shots, 2): time of execution and the sum of fidelities then."""

    counts: Any
    on_time: Any
    werner: Any
    tested: Any
    errors: Any
    events: Any


class _Places(NamedTuple):
    """Where the legs, shots and pairs of each route begin among all, and their numbers, (routes + 1,) each."""

    legs: Any
    shots: Any
    pairs: Any


def serve_shots(state: RouteState, rule: StockRule, demand: ShotDemand) -> tuple[ShotBooks, NDArray[np.int64]]:
    """Serve the shots of one plan on a new route; return what became of them, and the stock of every leg, int64 (N,).

    A shot executes at the end of its window, as soon as corrections (which take L / c) can still arrive within it, if
    enough pairs may be used; otherwise it spends nothing and is not on time. Teleporting spends a Bell measurement, and
    the qubit waits for its correction in the last leg's memory. rule: the stock policy of every leg.
    """
    return serve_shots_of_routes(state, [rule], [demand])[0]


def serve_shots_of_routes(
    states: RouteStates, rules: Sequence[StockRule], demands: Sequence[ShotDemand]
) -> list[tuple[ShotBooks, NDArray[np.int64]]]:
    """Serve the shots that each of these new routes is asked for as `serve_shots` does, in one compiled call.

    rules, demands: one a route.
    """
    if not demands:
        return []
    shots, pairs = (np.array(of_each) for of_each in zip(*((len(d.releases), d.pairs) for d in demands), strict=True))
    places = _Places(*(np.cumsum([0, *each]) for each in (states.legs, shots, shots * pairs)))
    legs, all_shots, all_pairs = (int(begins[-1]) for begins in places)
    stocks = np.zeros(legs, np.int64)
    found = ShotBooks(  # of all routes, one after the other
        counts=np.zeros((legs, 3, 5), np.int64),
        on_time=np.zeros(all_shots, bool),
        werner=np.zeros(all_pairs),
        tested=np.zeros((len(demands), 3), np.int64),
        errors=np.zeros((len(demands), 3), np.int64),
        events=np.zeros((all_shots, 2)),
    )
    for k, (rule, demand) in enumerate(zip(rules, demands, strict=True)):
        if rule.clairvoyant:
            states.make_only(k, foresee(int(states.addresses[k]), demand))
    _serve_routes(states.addresses, stacked(rules), stacked(demands), places, found, stocks)
    found.counts[:, TRAINING] += states.books
    of_routes = zip(*(pairwise(begins.tolist()) for begins in places), strict=True)
    return [
        (
            ShotBooks(
                found.counts[leg:end_leg], found.on_time[shot:end_shot],
                found.werner[pair:end_pair].reshape(end_shot - shot, demands[k].pairs),
                found.tested[k], found.errors[k], found.events[shot:end_shot],
            ),
            stocks[leg:end_leg],
        )
        for k, ((leg, end_leg), (shot, end_shot), (pair, end_pair)) in enumerate(of_routes)
    ]  # fmt: skip


@njit(**COMPILED)
def _serve_routes(addresses, rules, demands, places, found, stocks):  # type: ignore[no-untyped-def]
    """Fill the books of all routes, one after the other, except those of training, and their stocks."""
    rules, demands, places, found = uncounted(rules), uncounted(demands), uncounted(places), uncounted(found)
    for k in range(len(addresses)):
        leg, end_leg, shot, end_shot = places.legs[k], places.legs[k + 1], places.shots[k], places.shots[k + 1]
        demand = demand_of(demands, k)
        werner = found.werner[places.pairs[k] : places.pairs[k + 1]].reshape((end_shot - shot, demand.pairs))
        books = ShotBooks(
            found.counts[leg:end_leg], found.on_time[shot:end_shot], werner, found.tested[k], found.errors[k],
            found.events[shot:end_shot],
        )  # fmt: skip
        stocks[leg:end_leg] = _serve(route_at(addresses[k]), rule_of(rules, k), demand, books)


@njit(**COMPILED_PART)
def _serve(route, rule, demand, books):  # type: ignore[no-untyped-def]
    """Fill the books of a route, except those of training; return its stocks."""
    shots, latency = len(demand.releases), route_latency(route)
    begin(route)
    left, variant = 0, 0
    for i in range(shots):
        opens = demand.start + demand.releases[i]
        executes = max(opens, opens + demand.deadline - latency) + demand.offset
        if left == 0:
            variant = 1 if rule.second_share > 0.0 and uniform(route) < rule.second_share else 0
            left = min(demand.burst, shots - i)
            _wait_for_burst(route, rule, demand, opens, variant)
        allow_for_slot(route, rule, demand, Slot(variant, True, executes, left, False))
        advance(route, executes)
        left -= 1
        books.events[i, 0] = executes
        if usable(route) >= demand.pairs:
            _spend(route, rule.freshest_first[variant], demand, books, i, latency)
    return close(route)


@njit(**COMPILED_PART)
def _wait_for_burst(route, rule, demand, opens, variant):  # type: ignore[no-untyped-def]
    """Let a gap pass, in slots of the policy; those of a known gap are counted back from the burst, and those in which
    nothing may be made pass as one.
    """
    if opens <= route.now:
        return
    tabled = has_tables(rule)
    holds_from = gap_limit_from(rule, demand, opens)
    if not tabled and route.now < holds_from:
        allow_for_slot(route, rule, demand, Slot(variant, False, holds_from, 2, True))
        advance(route, holds_from)
        if holds_from == opens:
            return
    length = demand.slot // rule.gap_slots if tabled else opens - route.now
    slots = -((route.now - opens) // length)
    known = tabled and len(rule.gap_births[0]) > 1
    if tabled and slots > rule.idle_until[variant]:
        allow_for_slot(route, rule, demand, Slot(variant, False, route.now + demand.slot, slots, False))
        slots = rule.idle_until[variant]
        advance(route, opens - slots * length)
    for to_come in range(slots, 0, -1):
        until = opens - (to_come - 1) * length if known else min(opens, route.now + length)
        allow_for_slot(route, rule, demand, Slot(variant, False, route.now + demand.slot, to_come, False))
        advance(route, until)


@njit(**COMPILED_PART)
def _spend(route, freshest_first, demand, books, i, latency):  # type: ignore[no-untyped-def]
    """Let shot i take its pairs now; every pair of a test is measured in a basis drawn for it."""
    last = leg_of(route, route.number - 1)
    late, is_test = latency > demand.deadline, demand.is_test[i]
    books.on_time[i] = not late
    column = LATE if late else USED
    for a in range(demand.pairs):
        row = chosen(route, freshest_first)
        pair = pair_at(route, row, route.now)
        books.events[i, 1] += fidelity_of(pair)
        books.werner[i, a] = route.werner * werner_of(stored(pair, NO_DECAY, latency, end_rates(last), latency))
        if is_test:
            basis = int(uniform(route) * 3.0)
            correlation = pair.xx if basis == 0 else (pair.yy if basis == 1 else pair.zz)
            books.tested[basis] += 1
            books.errors[basis] += uniform(route) < error_rate(correlation * route.werner)
        take(route, row, column)
    go_on(route)
    if is_test:  # every pair was generated for shots; a test takes it over
        for g in range(route.number):
            for of_pair in (GENERATED, column):
                book(source_of(route, g), of_pair, -demand.pairs)
                books.counts[g, TESTING, of_pair] += demand.pairs
