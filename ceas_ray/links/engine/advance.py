"""The life of pairs on a route of one link or more: generation, purification, swapping, waiting, loss.

Attempts are independent trials, one per mode; how many fail before the next success is drawn at once (geometric), so
there is an event for each pair and none for an attempt. A pair is emitted at the start of its attempt, heralded and
usable at its end, and ages from emission.

A leg attempts while it has fewer finished pairs than its `limit`, fewer pairs in all than `slots`, and may make more;
swapped ones count. Where it may no longer it stops at once, where it may again it begins an attempt at once. Of the
pairs that an attempt heralds those beyond `slots` expire at once.

A pair is given up when the oldest pair in it passes its useful age, and an end-to-end pair when its fidelity falls
below `min_fidelity`. What one time brings is done in this order: births, leg by leg, each followed by purification
(BBPSSW, the two oldest that have gone as far; the older one is measured) and by swaps (oldest first, from the first end
on); then whoever asked for that time may use pairs; then they expire.

Swaps that cannot fail are chained at once, their outcomes travel to the ends meanwhile (Pauli frame), and the pair of
the ends may be used when the last one is known at both. Swaps that can fail must be heralded: what they make may be
used when both of its ends know. Failures block their memories until then.
"""

from __future__ import annotations

from functools import cache

from ceas_ray.kernel.compiled_code import COMPILED_ALONE, COMPILED_INLINE, njit
from ceas_ray.kernel.time import FOREVER
from ceas_ray.links.engine.attempts import rest_or_wake
from ceas_ray.links.engine.births import give_birth
from ceas_ray.links.engine.operations import settle
from ceas_ray.links.engine.pair_queue import advance_queue, is_plain_queue
from ceas_ray.links.engine.records import address_of, function_of, reached_by_nothing_else
from ceas_ray.links.engine.segments import give_up, usable
from ceas_ray.links.engine.state import ROUTE, source_of

TIME_OVER, PAIR_READY = range(2)
"""Events: why `advance` returned."""


advance = function_of(ROUTE, "advance")
"""A compiled function of (route, until): let everything happen that happens until then, that time included; return the
event at which it stops.

PAIR_READY: an end-to-end pair may be used now (if `RouteRules.stops`). TIME_OVER: it is `until`. Its machine code is
made once, whoever consumes the pairs, and called; it is most of the engine.
"""


@cache
def advance_address() -> int:
    """Return where the machine code of `advance` is."""
    return address_of(_advance, ROUTE)


@njit(**COMPILED_ALONE)
def _advance(route, until):  # type: ignore[no-untyped-def]
    """See `advance`."""
    reached_by_nothing_else(route)
    if is_plain_queue(route):
        advance_queue(route, until)
        return TIME_OVER
    if route.stops and usable(route) > 0:
        return PAIR_READY
    while True:
        birth, g = _next_birth(route)
        due = min(birth, route.next_news)
        if route.next_expiry < due:
            if route.next_expiry >= until:
                break
            route.now = max(route.now, route.next_expiry)
            give_up(route, route.now)
            continue
        if due > until:
            break
        route.now = due
        if birth == due:
            give_birth(route, g)
            rest_or_wake(route, g)
        if not route.is_queue:
            settle(route)
        if route.stops and usable(route) > 0:
            return PAIR_READY
    route.now = max(route.now, until)
    return TIME_OVER


@njit(**COMPILED_INLINE)
def _next_birth(route):  # type: ignore[no-untyped-def]
    """Return when the next pair is heralded, and on which leg; FOREVER if none is."""
    birth, g = FOREVER, 0
    for other in range(route.number):
        if source_of(route, other).next < birth:
            birth, g = source_of(route, other).next, other
    return birth, g
