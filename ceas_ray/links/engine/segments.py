"""Segments of a route: pairs of its legs, or what swaps made of several. What they are, and what becomes of them."""

from __future__ import annotations

import numpy as np

from ceas_ray.kernel.compiled_code import COMPILED_INLINE, COMPILED_PART, njit
from ceas_ray.kernel.time import FOREVER
from ceas_ray.links.engine.attempts import attempts_made, rest_or_wake
from ceas_ray.links.engine.records import copy_record
from ceas_ray.links.engine.state import LOST, leg_of, segment_of, source_of
from ceas_ray.messages.pair_books import EXPIRED, GENERATED, LATE, USED
from ceas_ray.quantum.pair_physics import Pair, Rates, aged, fidelity_of, survival

NO_DECAY = Rates(0.0, 0.0, 0.0, 0.0)
"""Rates of a half that does not wait."""

# --- what they are ----------------------------------------------------------


@njit(**COMPILED_PART)
def start_rates(leg):  # type: ignore[no-untyped-def]
    """Return the rates of the memory at a leg's start, per ps."""
    return Rates(leg.start_x, leg.start_y, leg.start_z, leg.start_damping)


@njit(**COMPILED_PART)
def end_rates(leg):  # type: ignore[no-untyped-def]
    """Return the rates of the memory at a leg's end, per ps."""
    return Rates(leg.end_x, leg.end_y, leg.end_z, leg.end_damping)


@njit(**COMPILED_PART)
def stored(pair, start, start_time, end, end_time):  # type: ignore[no-untyped-def]
    """Return what `aged` does, for times in ps; with one exponential where both memories depolarize."""
    alike = start.z == start.x == start.y and end.z == end.x == end.y and start.damping == end.damping == 0.0
    if alike and pair.z_start == pair.z_end == 0.0:
        left = survival(start.x * start_time + end.x * end_time)
        return Pair(left * pair.xx, left * pair.yy, left * pair.zz, 0.0, 0.0)
    return aged(pair, start, start_time, end, end_time)


@njit(**COMPILED_PART)
def route_latency(route):  # type: ignore[no-untyped-def]
    """Return L / c of the whole route, ps."""
    last = leg_of(route, route.number - 1)
    return last.place + last.latency


@njit(**COMPILED_PART)
def pair_at(route, row, at):  # type: ignore[no-untyped-def]
    """Return the `Pair` of a segment that is stored until `at`, with the attempts beside it up to now."""
    segment = segment_of(route, row)
    start, end = segment.first, segment.last - 1
    first, last = leg_of(route, start), leg_of(route, end)
    pair = Pair(segment.xx, segment.yy, segment.zz, segment.z_start, segment.z_end)
    if at > segment.updated:
        pair = stored(pair, start_rates(first), at - segment.updated, end_rates(last), at - segment.updated)
    if first.phase_left < 1.0 or last.phase_left < 1.0:
        beside_start = attempts_made(route, start, route.now) - segment.attempts_at_start
        beside_end = attempts_made(route, end, route.now) - segment.attempts_at_end
        left = first.phase_left**beside_start * last.phase_left**beside_end
        pair = Pair(left * pair.xx, left * pair.yy, pair.zz, pair.z_start, pair.z_end)
    return pair


@njit(**COMPILED_INLINE)
def is_end_to_end(route, segment):  # type: ignore[no-untyped-def]
    """Return whether a segment spans the route and is purified."""
    return segment.first == 0 and segment.last == route.number and segment.rounds_left == 0


@njit(**COMPILED_INLINE)
def is_ready(route, segment):  # type: ignore[no-untyped-def]
    """Return whether a segment that is not lost may be purified, swapped or used now."""
    return segment.ready <= route.now <= segment.expires


@njit(**COMPILED_PART)
def limit_life(route, row):  # type: ignore[no-untyped-def]
    """Set when an end-to-end pair expires: once its fidelity is below the minimum (found by bisection)."""
    segment = segment_of(route, row)
    if route.min_fidelity <= 0.0 or not is_end_to_end(route, segment):
        return
    since = max(segment.updated, segment.born)
    if fidelity_of(pair_at(route, row, since)) < route.min_fidelity:
        segment.expires = since - 1
        return
    good, bad = since, segment.expires + 1
    if fidelity_of(pair_at(route, row, segment.expires)) >= route.min_fidelity:
        return
    while bad - good > 1:
        middle = (good + bad) // 2
        if fidelity_of(pair_at(route, row, middle)) >= route.min_fidelity:
            good = middle
        else:
            bad = middle
    segment.expires = good


# --- which may be used ----------------------------------------------------------


@njit(**COMPILED_INLINE)
def usable(route):  # type: ignore[no-untyped-def]
    """Return how many end-to-end pairs may be used now."""
    if route.is_queue and route.next_expiry >= route.now:
        return route.live
    number = 0
    for row in range(route.first, route.first + route.live):
        segment = segment_of(route, row)
        number += is_end_to_end(route, segment) and is_ready(route, segment)
    return number


@njit(**COMPILED_INLINE)
def chosen(route, freshest):  # type: ignore[no-untyped-def]
    """Return the row of the oldest (or the freshest) end-to-end pair that may be used now, -1 if there is none."""
    if route.is_queue and route.live > 0 and route.next_expiry >= route.now:
        return route.first + route.live - 1 if freshest else route.first
    found = -1
    for row in range(route.first, route.first + route.live):
        segment = segment_of(route, row)
        if not is_end_to_end(route, segment) or not is_ready(route, segment):
            continue
        if found < 0 or (segment.born > segment_of(route, found).born) == freshest:
            found = row
    return found


# --- what becomes of them ----------------------------------------------------------


@njit(**COMPILED_INLINE)
def book(source, column, pairs):  # type: ignore[no-untyped-def]
    """Book pairs of a leg in one of the columns of `pair_books`."""
    if column == GENERATED:
        source.generated += pairs
    elif column == USED:
        source.used += pairs
    elif column == LATE:
        source.late += pairs
    elif column == EXPIRED:
        source.expired += pairs
    else:
        source.sacrificed += pairs


@njit(**COMPILED_INLINE)
def book_segment(route, row, column):  # type: ignore[no-untyped-def]
    """Book what became of the pair that every leg put into a segment."""
    segment = segment_of(route, row)
    for g in range(segment.first, segment.last):
        book(source_of(route, g), column, 1)


@njit(**COMPILED_INLINE)
def remove(route, row):  # type: ignore[no-untyped-def]
    """Free the memories of a segment; the last one takes its row, unless they queue. `go_on` must follow."""
    segment = segment_of(route, row)
    for g in range(segment.first, segment.last):
        source_of(route, g).standing -= 1
        source_of(route, g).finished -= segment.rounds_left == 0
    route.lost -= segment.rounds_left == LOST
    route.live -= 1
    last = route.first + route.live
    if route.is_queue and row == route.first:
        route.first += 1
    elif row < last:
        copy_record(segment, segment_of(route, last))


@njit(**COMPILED_INLINE)
def take(route, row, column):  # type: ignore[no-untyped-def]
    """Take a pair away and book it in this column. `go_on` must follow."""
    book_segment(route, row, column)
    remove(route, row)


@njit(**COMPILED_INLINE)
def give_up(route, expired):  # type: ignore[no-untyped-def]
    """Give up the pairs that may be used until `expired` and no longer; find what is next, and let legs go on."""
    expiry, news = FOREVER, FOREVER
    row = route.first
    while row < route.first + route.live:
        segment = segment_of(route, row)
        if segment.expires <= expired:
            take(route, row, EXPIRED)
            row = max(row, route.first)
            continue
        expiry = min(expiry, segment.expires)
        if segment.ready > route.now:
            news = min(news, segment.ready)
        if route.is_queue:
            break
        row += 1
    route.next_expiry, route.next_news = expiry, news
    for g in range(route.number):
        rest_or_wake(route, g)


@njit(**COMPILED_INLINE)
def go_on(route):  # type: ignore[no-untyped-def]
    """After pairs were taken: find what is next, and let legs go on that have room again."""
    give_up(route, -FOREVER)


@njit(**COMPILED_PART)
def close(route):  # type: ignore[no-untyped-def]
    """Return the stock of every leg, int64 (N,); a pair that may be used up to now and no longer has expired."""
    stock = np.zeros(route.number, np.int64)
    for row in range(route.first, route.first + route.live):
        segment = segment_of(route, row)
        if segment.rounds_left == LOST:
            continue
        if segment.expires <= route.now:
            book_segment(route, row, EXPIRED)
            continue
        for g in range(segment.first, segment.last):
            stock[g] += 1
    return stock
