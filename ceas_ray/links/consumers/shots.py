"""Shots of one plan, served with the end-to-end pairs of a route."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ceas_ray.kernel.compiled_code import COMPILED, COMPILED_PART, njit
from ceas_ray.links.consumers.foresight import foresee
from ceas_ray.links.consumers.stock import Slot, StockRule, allow_for_slot, gap_limit_from, has_tables
from ceas_ray.links.engine.advance import advance
from ceas_ray.links.engine.attempts import begin
from ceas_ray.links.engine.draws import uniform
from ceas_ray.links.engine.records import uncounted
from ceas_ray.links.engine.route import RouteState
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


class ShotDemand(NamedTuple):
    """What shots ask of one route, from time `start` on. Times in ps.

    releases (shots,): after `start`, ascending, `burst` of them in each burst, `slot` apart. is_test (shots,): which
    of them are tests. A shot needs `pairs` pairs at most `deadline` after its release, `offset` later than when it
    begins.
    """

    start: int
    releases: Any
    is_test: Any
    pairs: int
    offset: int
    deadline: int
    slot: int
    burst: int


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


def serve_shots(state: RouteState, rule: StockRule, demand: ShotDemand) -> tuple[ShotBooks, NDArray[np.int64]]:
    """Serve the shots of one plan on a new route; return what became of them, and the stock of every leg, int64 (N,).

    A shot executes at the end of its window, as soon as corrections (which take L / c) can still arrive within it, if
    enough pairs may be used; otherwise it spends nothing and is not on time. Teleporting spends a Bell measurement, and
    the qubit waits for its correction in the last leg's memory. rule: the stock policy of every leg.
    """
    shots = len(demand.releases)
    books = ShotBooks(
        counts=np.zeros((state.legs, 3, 5), np.int64),
        on_time=np.zeros(shots, bool),
        werner=np.zeros((shots, demand.pairs)),
        tested=np.zeros(3, np.int64),
        errors=np.zeros(3, np.int64),
        events=np.zeros((shots, 2)),
    )
    if rule.clairvoyant:
        state.make_only(foresee(state.address, demand))
    stock = _serve(state.address, rule, demand, books)
    books.counts[:, TRAINING] += state.books
    return books, stock


@njit(**COMPILED)
def _serve(address, rule, demand, books):  # type: ignore[no-untyped-def]
    """Fill the books, except those of training."""
    rule, demand, books = uncounted(rule), uncounted(demand), uncounted(books)
    route = route_at(address)
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
