"""Single pairs: all that there are, or those that requests ask for."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ceas_ray.kernel.compiled_code import COMPILED, COMPILED_PART, njit
from ceas_ray.links.engine.advance import TIME_OVER, advance
from ceas_ray.links.engine.attempts import attempt_from, begin_with_limit
from ceas_ray.links.engine.births import herald
from ceas_ray.links.engine.draws import exponential
from ceas_ray.links.engine.pair_queue import is_plain_queue
from ceas_ray.links.engine.route import RouteState
from ceas_ray.links.engine.segments import (
    chosen,
    close,
    end_rates,
    go_on,
    pair_at,
    start_rates,
    stored,
    take,
)
from ceas_ray.links.engine.state import leg_of, route_at, source_of
from ceas_ray.messages.pair_books import USED
from ceas_ray.quantum.pair_physics import Pair, fidelity_of


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


def serve_requests(
    state: RouteState, generator: np.random.Generator, *, until: int, mean_wait: float
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Serve requests for single pairs with a new route, Poisson with mean distance `mean_wait` (ps); the oldest first.

    A request that finds no pair is lost. Returns sums (4,): requests, requests served, and over those served their
    times and fidelities; and the stock of every leg, int64 (N,).

    Requests come at random, whatever came before. So on one link with one memory those that come while there is no pair
    are not drawn one by one: how many they are, in all these times together, is one Poisson draw.
    """
    sums = np.zeros(5)
    stock = _serve_requests(state.address, until, mean_wait, sums)
    sums[0] += generator.poisson(sums[4])
    return sums[:4], stock


@njit(**COMPILED)
def _serve_requests(address, until, mean_wait, sums):  # type: ignore[no-untyped-def]
    """Fill sums (5,): those of `serve_requests`, requests that were not drawn aside, and the mean number of these."""
    route = route_at(address)
    begin_with_limit(route, route.slots)
    if route.slots == 1 and is_plain_queue(route):
        return _serve_from_one_memory(route, until, mean_wait, sums)
    while True:
        at = route.now + int(exponential(route, mean_wait))
        if at >= until:
            break
        sums[0] += 1.0
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


@njit(**COMPILED_PART)
def _serve_from_one_memory(route, until, mean_wait, sums):  # type: ignore[no-untyped-def]
    """Do what `_serve_requests` does on one link with one memory: a pair waits there, or the link attempts."""
    source, leg = source_of(route, 0), leg_of(route, 0)
    start, end = start_rates(leg), end_rates(leg)
    freed, without_pair, stock = route.now, 0, 0
    served, times, fidelities = 0, 0.0, 0.0
    while True:
        attempt_from(route, 0, freed)
        heralded = source.next
        if heralded > until:
            without_pair += until - freed
            break
        without_pair += heralded - freed
        herald(route, 0, 1)
        born = heralded - leg.attempt_period
        expires = born + route.useful_age
        at = heralded + int(exponential(route, mean_wait))
        if min(at, expires) >= until:
            stock = int(expires > until)
            source.expired += 1 - stock
            break
        if at <= expires:
            age = at - born
            pair = stored(Pair(leg.xx, leg.yy, leg.zz, 0.0, 0.0), start, age, end, age)
            served, times, fidelities = served + 1, times + at, fidelities + fidelity_of(pair)
            freed = at
        else:
            source.expired += 1
            freed = max(heralded, expires)
    source.used += served
    sums[0], sums[1], sums[2], sums[3], sums[4] = served, served, times, fidelities, without_pair / mean_wait
    return np.array([stock])
