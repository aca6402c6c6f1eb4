"""Single pairs: all that there are, or those that requests ask for."""

from __future__ import annotations

from ceas_ray.kernel.compiled_code import COMPILED, njit
from ceas_ray.links.engine.advance import TIME_OVER, advance
from ceas_ray.links.engine.attempts import begin_with_limit
from ceas_ray.links.engine.draws import exponential
from ceas_ray.links.engine.segments import chosen, close, go_on, pair_at, take
from ceas_ray.links.engine.state import route_at, source_of
from ceas_ray.messages.pair_books import USED
from ceas_ray.quantum.pair_physics import fidelity_of


@njit(**COMPILED)
def deliver(address, until, times, fidelities):  # type: ignore[no-untyped-def]
    """Take every end-to-end pair of a new route away when it may be used (`RouteRules.stops`); fill times and
    fidelities.

    Ends when the arrays are full or at `until`; returns the number of pairs and the stock of every leg, int64 (N,).
    """
    route = route_at(address)
    begin_with_limit(route, route.slots)
    delivered = 0
    while delivered < len(times):
        if advance(route, until) == TIME_OVER:
            break
        row = chosen(route, False)
        times[delivered], fidelities[delivered] = route.now, fidelity_of(pair_at(route, row, route.now))
        take(route, row, USED)
        go_on(route)
        delivered += 1
    return delivered, close(route)


@njit(**COMPILED)
def serve_requests(address, until, mean_wait, sums):  # type: ignore[no-untyped-def]
    """Serve requests for single pairs with a new route, Poisson with mean distance `mean_wait` (ps); the oldest first.

    A request that finds no pair is lost. Fills sums (4,): requests, requests served, and over those served their times
    and fidelities. Returns the stock of every leg, int64 (N,).
    """
    route = route_at(address)
    begin_with_limit(route, route.slots)
    while True:
        at = route.now + int(exponential(route, mean_wait))
        if at >= until:
            break
        sums[0] += 1.0
        if route.is_queue and route.live == 0 and at < source_of(route, 0).next:  # it finds nothing, sooner told
            route.now = at
            continue
        advance(route, at)
        row = chosen(route, False)
        if row >= 0:
            sums[1] += 1.0
            sums[2] += at
            sums[3] += fidelity_of(pair_at(route, row, at))
            take(route, row, USED)
            go_on(route)
    advance(route, until)
    return close(route)
