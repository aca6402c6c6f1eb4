"""Births of pairs: what an attempt heralds, and the memories that take it."""

from __future__ import annotations

from ceas_ray.kernel.compiled_code import COMPILED_INLINE, COMPILED_PART, njit
from ceas_ray.links.engine.attempts import fail, look_ahead
from ceas_ray.links.engine.draws import failures_before_success
from ceas_ray.links.engine.records import copy_record
from ceas_ray.links.engine.segments import limit_life
from ceas_ray.links.engine.state import leg_of, listed_of, segment_of, source_of


@njit(**COMPILED_INLINE)
def give_birth(route, g):  # type: ignore[no-untyped-def]
    """Store the pairs of an attempt of leg g that ends now and has succeeded, in one of its modes or in several."""
    source = source_of(route, g)
    if source.listed >= 0:
        _give_listed_birth(route, g)
        return
    source.attempts += source.ahead
    source.begun = route.now
    for _ in range(herald(route, g, route.slots - source.standing)):
        _store(route, g)
    look_ahead(route, g)


@njit(**COMPILED_INLINE)
def herald(route, g, memories):  # type: ignore[no-untyped-def]
    """Return for how many pairs of an attempt of leg g that succeeds, in one of its modes or in several, there are
    memories; the others expire at once. Draw when the leg succeeds next.
    """
    source, leg = source_of(route, g), leg_of(route, g)
    heralded, mode = 0, source.mode
    while mode < leg.modes:
        heralded += 1
        mode += 1 + failures_before_success(source, leg.inverse_log_failure)
    fail(source, leg, mode - leg.modes)
    kept = min(heralded, memories)
    source.generated += heralded
    source.births_left -= heralded if leg.rounds == 0 else 0
    source.expired += heralded - kept
    return kept


@njit(**COMPILED_PART)
def _give_listed_birth(route, g):  # type: ignore[no-untyped-def]
    """Store the pairs of leg g that are listed next, which come of one attempt."""
    source = source_of(route, g)
    emitted = listed_of(route, source.listed).emitted
    source.attempts = listed_of(route, source.listed).attempts
    while source.listed < source.listed_to and listed_of(route, source.listed).emitted == emitted:
        source.generated += 1
        if listed_of(route, source.listed).kept == 1 and source.standing < route.slots:
            _store(route, g)
        else:
            source.expired += 1
        source.listed += 1
    look_ahead(route, g)


@njit(**COMPILED_INLINE)
def _store(route, g):  # type: ignore[no-untyped-def]
    """Store a pair of leg g, heralded now, in a memory slot that is free."""
    source, leg = source_of(route, g), leg_of(route, g)
    row = _free_row(route)
    write_pair(route, g, row, route.now)
    source.standing += 1
    source.finished += leg.rounds == 0
    if route.min_fidelity > 0.0:
        limit_life(route, row)
    route.next_expiry = min(route.next_expiry, segment_of(route, row).expires)


@njit(**COMPILED_INLINE)
def write_pair(route, g, row, now):  # type: ignore[no-untyped-def]
    """Write a pair of leg g that is heralded now into a row."""
    leg, segment = leg_of(route, g), segment_of(route, row)
    born, attempts = now - leg.attempt_period, source_of(route, g).attempts
    segment.first, segment.last, segment.rounds_left = g, g + 1, leg.rounds
    segment.born, segment.updated, segment.ready = born, born, now
    segment.expires = born + route.useful_age
    segment.news_at_start, segment.news_at_end = 0, 0
    segment.attempts_at_start, segment.attempts_at_end = attempts, attempts
    segment.xx, segment.yy, segment.zz = leg.xx, leg.yy, leg.zz
    segment.z_start, segment.z_end = 0.0, 0.0


@njit(**COMPILED_PART)
def _free_row(route):  # type: ignore[no-untyped-def]
    """Return a row behind the segments that live; they move to the front where there is none."""
    if route.first + route.live == route.room:
        for row in range(route.live):
            copy_record(segment_of(route, row), segment_of(route, route.first + row))
        route.first = 0
    route.live += 1
    return route.first + route.live - 1
