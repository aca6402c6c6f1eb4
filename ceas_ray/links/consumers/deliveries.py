"""Single pairs: all that there are, or those that requests ask for."""

from __future__ import annotations

from ceas_ray.kernel.compiled_code import COMPILED, njit
from ceas_ray.links.engine.advance import (
    TIME_OVER,
    advance,
    begin_with_limit,
    chosen,
    close,
    go_on,
    pair_at,
    take,
)
from ceas_ray.links.engine.draws import exponential
from ceas_ray.links.engine.state import clock_of
from ceas_ray.messages.pair_books import USED
from ceas_ray.quantum.pair_physics import fidelity_of


@njit(**COMPILED)
def deliver(state, model, rules, until, times, fidelities):  # type: ignore[no-untyped-def]
    """Take every end-to-end pair of a new route away when it may be used (`rules.stops`); fill times and fidelities.

    Ends when the arrays are full or at `until`; returns the number of pairs and the stock of every leg, int64 (N,).
    """
    begin_with_limit(state, model, rules, rules.slots)
    delivered = 0
    while delivered < len(times):
        if advance(state, model, rules, until) == TIME_OVER:
            break
        row, now = chosen(state, model, False), clock_of(state).now
        times[delivered], fidelities[delivered] = now, fidelity_of(pair_at(state, model, row, now))
        take(state, model, row, USED)
        go_on(state, model, rules)
        delivered += 1
    return delivered, close(state, model)


@njit(**COMPILED)
def serve_requests(state, model, rules, until, mean_wait, sums):  # type: ignore[no-untyped-def]
    """Serve requests for single pairs with a new route, Poisson with mean distance `mean_wait` (ps); the oldest first.

    A request that finds no pair is lost. Fills sums (4,): requests, requests served, and over those served their times
    and fidelities. Returns the stock of every leg, int64 (N,).
    """
    begin_with_limit(state, model, rules, rules.slots)
    clock = clock_of(state)
    while True:
        at = clock.now + int(exponential(clock, mean_wait))
        if at >= until:
            break
        advance(state, model, rules, at)
        sums[0] += 1.0
        row = chosen(state, model, False)
        if row >= 0:
            sums[1] += 1.0
            sums[2] += at
            sums[3] += fidelity_of(pair_at(state, model, row, at))
            take(state, model, row, USED)
            go_on(state, model, rules)
    advance(state, model, rules, until)
    return close(state, model)
