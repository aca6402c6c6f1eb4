"""The attempts of a route's legs: when the next one succeeds, and when a leg rests."""

from __future__ import annotations

from ceas_ray.kernel.compiled_code import COMPILED_INLINE, COMPILED_PART, njit
from ceas_ray.kernel.time import FOREVER
from ceas_ray.links.engine.draws import failures_before_success
from ceas_ray.links.engine.state import leg_of, listed_of, source_of


@njit(**COMPILED_PART)
def begin(route):  # type: ignore[no-untyped-def]
    """Draw every leg's first success; all rest until they are told how many pairs they may have (`allow`).

    Legs whose pairs are listed neither draw nor rest.
    """
    for g in range(route.number):
        source, leg = source_of(route, g), leg_of(route, g)
        if source.listed >= 0:
            look_ahead(route, g)
        else:
            fail(source, leg, failures_before_success(source, leg.inverse_log_failure))


@njit(**COMPILED_INLINE)
def fail(source, leg, trials):  # type: ignore[no-untyped-def]
    """Let this many trials fail before the next success, from the first mode of the attempt on that has begun."""
    attempts = trials if leg.modes == 1 else trials // leg.modes
    source.ahead, source.mode = attempts + 1, trials - attempts * leg.modes


@njit(**COMPILED_INLINE)
def look_ahead(route, g):  # type: ignore[no-untyped-def]
    """Say when the next success of a leg that attempts is heralded: at the end of its attempt."""
    source, period = source_of(route, g), leg_of(route, g).attempt_period
    source.next = FOREVER
    if source.listed >= 0:
        if source.listed < source.listed_to:
            source.next = listed_of(route, source.listed).emitted + period
    elif float(source.ahead) * float(period) < float(FOREVER - source.begun):
        source.next = source.begun + source.ahead * period


@njit(**COMPILED_INLINE)
def attempt_from(route, g, at):  # type: ignore[no-untyped-def]
    """Let leg g attempt again from this time on."""
    source_of(route, g).begun = at
    look_ahead(route, g)


@njit(**COMPILED_PART)
def attempts_made(route, g, at):  # type: ignore[no-untyped-def]
    """Return how many attempts of leg g are over."""
    source = source_of(route, g)
    if source.resting == 1 or source.listed >= 0:
        return source.attempts
    return source.attempts + (at - source.begun) // leg_of(route, g).attempt_period


@njit(**COMPILED_INLINE)
def rest_or_wake(route, g):  # type: ignore[no-untyped-def]
    """Stop leg g if it may have no more pairs, unless it succeeds now; start it again if it may."""
    source = source_of(route, g)
    if source.listed >= 0:
        return
    full = source.finished >= source.limit or source.standing >= route.slots or source.births_left <= 0
    if full and source.resting == 0 and source.next > route.now:
        if route.now > source.begun:
            over = (route.now - source.begun) // leg_of(route, g).attempt_period
            source.attempts += over
            source.ahead -= over
        source.resting, source.begun, source.next = 1, route.now, FOREVER
    elif not full and source.resting == 1:
        source.resting, source.begun = 0, max(source.begun, route.now)
        look_ahead(route, g)


@njit(**COMPILED_INLINE)
def allow(route, g, limit, births):  # type: ignore[no-untyped-def]
    """Let leg g have up to `limit` finished pairs from now on, and make up to `births` of them."""
    source_of(route, g).limit, source_of(route, g).births_left = limit, births
    rest_or_wake(route, g)


@njit(**COMPILED_PART)
def begin_with_limit(route, limit):  # type: ignore[no-untyped-def]
    """Begin, and let every leg have up to `limit` finished pairs the whole time."""
    begin(route)
    for g in range(route.number):
        allow(route, g, limit, FOREVER)
