"""Pairs of one link that queue: they come, may be used and expire in one order, and nothing is done to them before.

What `engine.advance` does on any route it does on these in half of the time: most pairs for shots are like that.
"""

from __future__ import annotations

from ceas_ray.kernel.compiled_code import COMPILED_INLINE, COMPILED_PART, njit
from ceas_ray.kernel.time import FOREVER
from ceas_ray.links.engine.attempts import look_ahead
from ceas_ray.links.engine.births import herald, write_pair
from ceas_ray.links.engine.records import copy_record
from ceas_ray.links.engine.state import leg_of, segment_of, source_of


@njit(**COMPILED_INLINE)
def is_plain_queue(route):  # type: ignore[no-untyped-def]
    """Return whether `advance_queue` can serve a route: a queue whose link draws, without stops at pairs."""
    return route.is_queue == 1 and route.stops == 0 and route.min_fidelity <= 0.0 and source_of(route, 0).listed < 0


@njit(**COMPILED_INLINE)
def advance_queue(route, until):  # type: ignore[no-untyped-def]
    """Let everything happen that happens until then; see `engine.advance`."""
    source, leg = source_of(route, 0), leg_of(route, 0)
    now, live, expiry, most = route.now, route.live, route.next_expiry, min(source.limit, route.slots)
    while True:
        if expiry < source.next:
            if expiry >= until:
                break
            now = max(now, expiry)
            live, expiry = _expire(route, source, live, now)
        elif source.next > until:
            break
        else:
            now = source.next
            live = _give_birth(route, source, leg, live, now)
            expiry = segment_of(route, route.first).expires if live > 0 else FOREVER
        if live >= most or source.births_left <= 0:
            if source.resting == 0 and source.next > now:
                _rest(source, leg, now)
        elif source.resting == 1:
            source.resting, source.begun = 0, max(source.begun, now)
            look_ahead(route, 0)
    route.now, route.live, route.next_expiry = max(now, until), live, expiry
    source.standing, source.finished = live, live


@njit(**COMPILED_INLINE)
def _expire(route, source, live, now):  # type: ignore[no-untyped-def]
    """Give up the pairs that may be used until now and no longer. Return how many live, and when the next expires."""
    first, expiry = route.first, FOREVER
    while live > 0:
        expiry = segment_of(route, first).expires
        if expiry > now:
            break
        source.expired += 1
        live -= 1
        first += 1
        expiry = FOREVER
    route.first = first
    return live, expiry


@njit(**COMPILED_INLINE)
def _give_birth(route, source, leg, live, now):  # type: ignore[no-untyped-def]
    """Store the pairs of an attempt that ends now and has succeeded. Return how many live."""
    source.attempts += source.ahead
    source.begun = now
    for _ in range(herald(route, 0, route.slots - live)):
        if route.first + live == route.room:
            _move_to_the_front(route, live)
        write_pair(route, 0, route.first + live, now)
        live += 1
    look_ahead(route, 0)
    return live


@njit(**COMPILED_PART)
def _move_to_the_front(route, live):  # type: ignore[no-untyped-def]
    """Move the pairs to the first rows, since they stand in the last ones."""
    for row in range(live):
        copy_record(segment_of(route, row), segment_of(route, route.first + row))
    route.first = 0


@njit(**COMPILED_INLINE)
def _rest(source, leg, now):  # type: ignore[no-untyped-def]
    """Stop attempting now."""
    if now > source.begun:
        over = (now - source.begun) // leg.attempt_period
        source.attempts += over
        source.ahead -= over
    source.resting, source.begun, source.next = 1, now, FOREVER
