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

import numpy as np

from ceas_ray.kernel.compiled_code import COMPILED, njit
from ceas_ray.kernel.time import FOREVER
from ceas_ray.links.engine.draws import failures_before_success, uniform
from ceas_ray.links.engine.records import copy_record
from ceas_ray.links.engine.state import LOST, clock_of, leg_of, listed_of, segment_of, source_of
from ceas_ray.messages.pair_books import EXPIRED, GENERATED, LATE, USED
from ceas_ray.quantum.pair_physics import (
    Pair,
    Rates,
    aged,
    bbpssw,
    fidelity_of,
    fidelity_of_werner,
    survival,
    swapped,
    werner_of,
    werner_of_fidelity,
)

TIME_OVER, PAIR_READY = range(2)
"""Events: why `advance` returned."""


# --- attempts ----------------------------------------------------------


@njit(**COMPILED)
def begin(state, model):  # type: ignore[no-untyped-def]
    """Draw every leg's first success; all rest until they are told how many pairs they may have (`allow`).

    Legs whose pairs are listed neither draw nor rest.
    """
    for g in range(model.number):
        if source_of(state, g).listed >= 0:
            _look_ahead(state, g, leg_of(model, g))
            continue
        source_of(state, g).failures = failures_before_success(
            source_of(state, g), leg_of(model, g).inverse_log_failure
        )


@njit(**COMPILED)
def _look_ahead(state, g, leg):  # type: ignore[no-untyped-def]
    """Say when the next success of a leg that attempts is heralded: at the end of its attempt."""
    source = source_of(state, g)
    if source.listed >= 0:
        source.next = FOREVER
        if source.listed < source.listed_to:
            source.next = listed_of(state, source.listed).emitted + leg.attempt_period
        return
    attempts = source.failures + 1 if leg.modes == 1 else source.failures // leg.modes + 1
    source.next = FOREVER
    if float(attempts) * float(leg.attempt_period) < float(FOREVER - source.begun):
        source.next = source.begun + attempts * leg.attempt_period


@njit(**COMPILED)
def _attempts_made(source, leg, at):  # type: ignore[no-untyped-def]
    """How many attempts of a leg are over."""
    if source.resting == 1 or source.listed >= 0:
        return source.attempts
    return source.attempts + (at - source.begun) // leg.attempt_period


@njit(**COMPILED)
def _rest_or_wake(state, model, rules, first, last):  # type: ignore[no-untyped-def]
    """Stop legs that may have no more pairs, but for one that succeeds now; start those that may again."""
    now = clock_of(state).now
    for g in range(first, last):
        source, leg = source_of(state, g), leg_of(model, g)
        if source.listed >= 0:
            continue
        full = source.finished >= source.limit or source.standing >= rules.slots or source.births_left <= 0
        if full and source.resting == 0 and source.next > now:
            if now > source.begun:
                over = (now - source.begun) // leg.attempt_period
                source.attempts += over
                source.failures -= over * leg.modes
            source.resting, source.begun, source.next = 1, now, FOREVER
        elif not full and source.resting == 1:
            source.resting, source.begun = 0, max(source.begun, now)
            _look_ahead(state, g, leg)


@njit(**COMPILED)
def allow(state, model, rules, g, limit, births):  # type: ignore[no-untyped-def]
    """Let leg g have up to `limit` finished pairs from now on, and make up to `births` of them."""
    source_of(state, g).limit, source_of(state, g).births_left = limit, births
    _rest_or_wake(state, model, rules, g, g + 1)


@njit(**COMPILED)
def begin_with_limit(state, model, rules, limit):  # type: ignore[no-untyped-def]
    """Begin, and let every leg have up to `limit` finished pairs the whole time."""
    begin(state, model)
    for g in range(model.number):
        allow(state, model, rules, g, limit, FOREVER)


@njit(**COMPILED)
def _give_birth(state, model, rules, g):  # type: ignore[no-untyped-def]
    """An attempt of leg g that ends now has succeeded, in one of its modes or in several."""
    source, leg, now = source_of(state, g), leg_of(model, g), clock_of(state).now
    if source.listed >= 0:
        emitted = listed_of(state, source.listed).emitted
        while source.listed < source.listed_to and listed_of(state, source.listed).emitted == emitted:
            _store(state, model, rules, g, listed_of(state, source.listed).kept == 1)
            source.listed += 1
        source.attempts += 1
    else:
        mode = 0 if leg.modes == 1 else source.failures % leg.modes
        source.attempts += source.failures + 1 if leg.modes == 1 else source.failures // leg.modes + 1
        while mode < leg.modes:
            _store(state, model, rules, g, True)
            mode += 1 + failures_before_success(source, leg.inverse_log_failure)
        source.begun, source.failures = now, mode - leg.modes
    _look_ahead(state, g, leg)


@njit(**COMPILED)
def _store(state, model, rules, g, kept):  # type: ignore[no-untyped-def]
    """A pair of leg g, heralded now, takes a memory slot if there is one."""
    clock, source, leg = clock_of(state), source_of(state, g), leg_of(model, g)
    source.generated += 1
    if leg.rounds == 0:
        source.births_left -= 1
    if not kept or source.standing >= rules.slots:
        source.expired += 1
        return
    segment, born = segment_of(state, clock.segments), clock.now - leg.attempt_period
    segment.first, segment.last, segment.rounds_left = g, g + 1, leg.rounds
    segment.born, segment.updated, segment.ready = born, born, clock.now
    segment.expires = born + rules.useful_age
    segment.news_at_start, segment.news_at_end = 0, 0
    segment.attempts_at_start = segment.attempts_at_end = source.attempts
    segment.xx, segment.yy, segment.zz = leg.xx, leg.yy, leg.zz
    segment.z_start, segment.z_end = 0.0, 0.0
    clock.segments += 1
    source.standing += 1
    source.finished += leg.rounds == 0
    if rules.min_fidelity > 0.0:
        _limit_life(state, model, rules, clock.segments - 1)
    clock.next_expiry = min(clock.next_expiry, segment.expires)


# --- what becomes of pairs ----------------------------------------------------------


@njit(**COMPILED)
def start_rates(leg):  # type: ignore[no-untyped-def]
    """Rates of the memory at a leg's start, per ps."""
    return Rates(leg.start_x, leg.start_y, leg.start_z, leg.start_damping)


@njit(**COMPILED)
def end_rates(leg):  # type: ignore[no-untyped-def]
    """Rates of the memory at a leg's end, per ps."""
    return Rates(leg.end_x, leg.end_y, leg.end_z, leg.end_damping)


@njit(**COMPILED)
def stored(pair, start, start_time, end, end_time):  # type: ignore[no-untyped-def]
    """As `aged`, times in ps; with one exponential where both memories depolarize."""
    alike = start.z == start.x == start.y and end.z == end.x == end.y and start.damping == end.damping == 0.0
    if alike and pair.z_start == pair.z_end == 0.0:
        left = survival(start.x * start_time + end.x * end_time)
        return Pair(left * pair.xx, left * pair.yy, left * pair.zz, 0.0, 0.0)
    return aged(pair, start, start_time, end, end_time)


@njit(**COMPILED)
def route_latency(model):  # type: ignore[no-untyped-def]
    """L / c of the whole route, ps."""
    last = leg_of(model, model.number - 1)
    return last.place + last.latency


@njit(**COMPILED)
def pair_at(state, model, row, at):  # type: ignore[no-untyped-def]
    """The `Pair` of a segment that is stored until `at`, with the attempts beside it up to now."""
    segment, now = segment_of(state, row), clock_of(state).now
    first, last = leg_of(model, segment.first), leg_of(model, segment.last - 1)
    pair = Pair(segment.xx, segment.yy, segment.zz, segment.z_start, segment.z_end)
    pair = stored(pair, start_rates(first), at - segment.updated, end_rates(last), at - segment.updated)
    if first.phase_left < 1.0 or last.phase_left < 1.0:
        beside_start = _attempts_made(source_of(state, segment.first), first, now) - segment.attempts_at_start
        beside_end = _attempts_made(source_of(state, segment.last - 1), last, now) - segment.attempts_at_end
        left = first.phase_left**beside_start * last.phase_left**beside_end
        pair = Pair(left * pair.xx, left * pair.yy, pair.zz, pair.z_start, pair.z_end)
    return pair


@njit(**COMPILED)
def _write(segment, pair, now):  # type: ignore[no-untyped-def]
    """From now on the segment is this pair."""
    segment.xx, segment.yy, segment.zz = pair.xx, pair.yy, pair.zz
    segment.z_start, segment.z_end, segment.updated = pair.z_start, pair.z_end, now


@njit(**COMPILED)
def _is_end_to_end(segment, model):  # type: ignore[no-untyped-def]
    return segment.first == 0 and segment.last == model.number and segment.rounds_left == 0


@njit(**COMPILED)
def _limit_life(state, model, rules, row):  # type: ignore[no-untyped-def]
    """An end-to-end pair is useless from the moment when its fidelity is below the least (found by bisection)."""
    segment = segment_of(state, row)
    if rules.min_fidelity <= 0.0 or not _is_end_to_end(segment, model):
        return
    since = max(segment.updated, segment.born)
    if fidelity_of(pair_at(state, model, row, since)) < rules.min_fidelity:
        segment.expires = since - 1
        return
    good, bad = since, segment.expires + 1
    if fidelity_of(pair_at(state, model, row, segment.expires)) >= rules.min_fidelity:
        return
    while bad - good > 1:
        middle = (good + bad) // 2
        if fidelity_of(pair_at(state, model, row, middle)) >= rules.min_fidelity:
            good = middle
        else:
            bad = middle
    segment.expires = good


@njit(**COMPILED)
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


@njit(**COMPILED)
def _book_segment(state, row, column):  # type: ignore[no-untyped-def]
    """Book what became of the pair that every leg put into a segment."""
    segment = segment_of(state, row)
    for g in range(segment.first, segment.last):
        book(source_of(state, g), column, 1)


@njit(**COMPILED)
def remove(state, model, row):  # type: ignore[no-untyped-def]
    """Free the memories of a segment; the last one takes its row. `go_on` must follow."""
    clock = clock_of(state)
    for g in range(segment_of(state, row).first, segment_of(state, row).last):
        source_of(state, g).standing -= 1
        source_of(state, g).finished -= segment_of(state, row).rounds_left == 0
    clock.segments -= 1
    if row < clock.segments:
        copy_record(segment_of(state, row), segment_of(state, clock.segments))


@njit(**COMPILED)
def _sweep(state, model, rules, expired):  # type: ignore[no-untyped-def]
    """Give up the pairs that may be used until `expired` and no longer; find what is next, and let legs go on."""
    clock, row = clock_of(state), 0
    expiry, news = FOREVER, FOREVER
    while row < clock.segments:
        segment = segment_of(state, row)
        if segment.expires <= expired:
            _book_segment(state, row, EXPIRED)
            remove(state, model, row)
            continue
        expiry = min(expiry, segment.expires)
        if segment.ready > clock.now:
            news = min(news, segment.ready)
        row += 1
    clock.next_expiry, clock.next_news = expiry, news
    _rest_or_wake(state, model, rules, 0, model.number)


@njit(**COMPILED)
def go_on(state, model, rules):  # type: ignore[no-untyped-def]
    """After pairs were taken: find what is next, and let legs go on that have room again."""
    _sweep(state, model, rules, -FOREVER)


@njit(**COMPILED)
def _is_usable(segment, now):  # type: ignore[no-untyped-def]
    return segment.rounds_left >= 0 and segment.ready <= now <= segment.expires


@njit(**COMPILED)
def _two_oldest(state, g):  # type: ignore[no-untyped-def]
    """The two oldest pairs of leg g with most rounds of purification to come, of two that are equally far; or -1."""
    clock = clock_of(state)
    most = 0
    for row in range(clock.segments):
        if segment_of(state, row).first == g:
            most = max(most, segment_of(state, row).rounds_left)
    for rounds in range(most, 0, -1):
        older, younger = -1, -1
        for row in range(clock.segments):
            if segment_of(state, row).first != g or segment_of(state, row).rounds_left != rounds:
                continue
            if not _is_usable(segment_of(state, row), clock.now):
                continue
            if older < 0 or segment_of(state, row).born < segment_of(state, older).born:
                older, younger = row, older
            elif younger < 0 or segment_of(state, row).born < segment_of(state, younger).born:
                younger = row
        if younger >= 0:
            return older, younger
    return -1, -1


@njit(**COMPILED)
def _purify(state, model, rules, g):  # type: ignore[no-untyped-def]
    """Purify two pairs of leg g; whether there were two. The younger one is kept, until the news is out."""
    older, younger = _two_oldest(state, g)
    if younger < 0:
        return False
    clock = clock_of(state)
    kept, spent, now = segment_of(state, younger), segment_of(state, older), clock.now
    fidelity, success = bbpssw(
        fidelity_of_werner(werner_of(pair_at(state, model, older, now))),
        fidelity_of_werner(werner_of(pair_at(state, model, younger, now))),
    )
    kept.ready = now + leg_of(model, g).latency
    if uniform(clock) < success:
        werner = werner_of_fidelity(fidelity)
        _write(kept, Pair(werner, werner, werner, 0.0, 0.0), now)
        kept.attempts_at_start = kept.attempts_at_end = _attempts_made(source_of(state, g), leg_of(model, g), now)
        kept.rounds_left -= 1
        kept.expires, kept.born = min(kept.expires, spent.expires), min(kept.born, spent.born)
        source_of(state, g).sacrificed += 1
        if kept.rounds_left == 0:
            source_of(state, g).finished += 1
            source_of(state, g).births_left -= 1
        _limit_life(state, model, rules, younger)
    else:
        kept.rounds_left, kept.expires = LOST, FOREVER
        source_of(state, g).sacrificed += 2
    remove(state, model, older)
    return True


@njit(**COMPILED)
def _oldest_at(state, node, starts_here, begins_at):  # type: ignore[no-untyped-def]
    """The oldest finished segment that starts (or ends) at a node; begins_at: with this first leg, or -1 for any."""
    clock = clock_of(state)
    found = -1
    for row in range(clock.segments):
        segment = segment_of(state, row)
        if (
            (segment.first if starts_here else segment.last) == node
            and segment.rounds_left == 0
            and segment.ready <= clock.now <= segment.expires
            and (begins_at < 0 or segment.first == begins_at)
            and (found < 0 or segment.born < segment_of(state, found).born)
        ):
            found = row
    return found


@njit(**COMPILED)
def _swap(state, model, rules, left, right):  # type: ignore[no-untyped-def]
    """Measure the two inner halves at the node between two segments; the left one becomes the result."""
    clock = clock_of(state)
    one, other, now = segment_of(state, left), segment_of(state, right), clock.now
    here, farthest = leg_of(model, other.first).place, route_latency(model)
    to_left = here - leg_of(model, one.first).place
    to_right = leg_of(model, other.last - 1).place + leg_of(model, other.last - 1).latency - here
    pair = swapped(pair_at(state, model, left, now), pair_at(state, model, right, now), model.werner)
    one.attempts_at_start = _attempts_made(source_of(state, one.first), leg_of(model, one.first), now)
    one.attempts_at_end = _attempts_made(source_of(state, other.last - 1), leg_of(model, other.last - 1), now)
    one.last, one.born, one.expires = other.last, min(one.born, other.born), min(one.expires, other.expires)
    one.news_at_start = max(one.news_at_start, other.news_at_start, now + here)
    one.news_at_end = max(one.news_at_end, other.news_at_end, now + farthest - here)
    _write(one, pair, now)
    for g in range(other.first, other.last):  # `remove` will take the right one's pairs out of its legs' counts
        source_of(state, g).standing += 1
        source_of(state, g).finished += 1
    can_fail = model.success < 1.0
    one.ready = now + max(to_left, to_right) if can_fail else now
    if can_fail and uniform(clock) >= model.success:
        _book_segment(state, left, EXPIRED)
        for g in range(one.first, one.last):
            source_of(state, g).finished -= 1
        one.rounds_left, one.expires = LOST, FOREVER
    elif _is_end_to_end(one, model):
        if not rules.corrected:
            one.ready = now
        elif not can_fail:
            one.ready = max(one.news_at_start, one.news_at_end)
        _limit_life(state, model, rules, left)
    remove(state, model, right)


@njit(**COMPILED)
def _forget_lost(state, model):  # type: ignore[no-untyped-def]
    """Free the memories of lost pairs whose news is out."""
    clock, row = clock_of(state), 0
    while row < clock.segments:
        if segment_of(state, row).rounds_left == LOST and segment_of(state, row).ready <= clock.now:
            remove(state, model, row)
        else:
            row += 1


@njit(**COMPILED)
def _settle(state, model, rules):  # type: ignore[no-untyped-def]
    """Do all that can be done now: forget lost pairs whose news is out, purify, swap."""
    again = True
    while again:
        again = False
        _forget_lost(state, model)
        for g in range(model.number):
            while leg_of(model, g).rounds > 0 and _purify(state, model, rules, g):
                again = True
        for node in range(1, model.number):
            left = _oldest_at(state, node, False, 0 if model.in_order else -1)
            right = _oldest_at(state, node, True, -1)
            if left >= 0 and right >= 0:
                _swap(state, model, rules, left, right)
                again = True
    go_on(state, model, rules)


# --- time ----------------------------------------------------------


@njit(**COMPILED)
def usable(state, model):  # type: ignore[no-untyped-def]
    """How many end-to-end pairs may be used now."""
    clock, number = clock_of(state), 0
    for row in range(clock.segments):
        segment = segment_of(state, row)
        number += _is_end_to_end(segment, model) and segment.ready <= clock.now <= segment.expires
    return number


@njit(**COMPILED)
def chosen(state, model, freshest):  # type: ignore[no-untyped-def]
    """The row of the oldest (or the freshest) end-to-end pair that may be used now, -1 if there is none."""
    clock, found = clock_of(state), -1
    for row in range(clock.segments):
        segment = segment_of(state, row)
        if not _is_end_to_end(segment, model) or not segment.ready <= clock.now <= segment.expires:
            continue
        if found < 0 or (segment.born > segment_of(state, found).born) == freshest:
            found = row
    return found


@njit(**COMPILED)
def advance(state, model, rules, until):  # type: ignore[no-untyped-def]
    """Let everything happen that happens until then, that time included; return the event at which it stops.

    PAIR_READY: an end-to-end pair may be used now (if `rules.stops`). TIME_OVER: it is `until`.
    """
    clock = clock_of(state)
    alone = model.number == 1 and leg_of(model, 0).rounds == 0
    if rules.stops and usable(state, model) > 0:
        return PAIR_READY
    while True:
        birth, g = FOREVER, 0
        for other in range(model.number):
            if source_of(state, other).next < birth:
                birth, g = source_of(state, other).next, other
        due = min(birth, clock.next_news)
        if clock.next_expiry < due:
            if clock.next_expiry >= until:
                break
            clock.now = max(clock.now, clock.next_expiry)
            _sweep(state, model, rules, clock.now)
            continue
        if due > until:
            break
        clock.now = due
        if birth == due:
            _give_birth(state, model, rules, g)
            _rest_or_wake(state, model, rules, g, g + 1)
        if not alone:
            _settle(state, model, rules)
        if rules.stops and usable(state, model) > 0:
            return PAIR_READY
    clock.now = max(clock.now, until)
    return TIME_OVER


@njit(**COMPILED)
def take(state, model, row, column):  # type: ignore[no-untyped-def]
    """Take a pair away and book it in this column. `go_on` must follow."""
    _book_segment(state, row, column)
    remove(state, model, row)


@njit(**COMPILED)
def close(state, model):  # type: ignore[no-untyped-def]
    """Return the stock of every leg, int64 (N,); a pair that may be used up to now and no longer has expired."""
    clock, stored = clock_of(state), np.zeros(model.number, np.int64)
    for row in range(clock.segments):
        segment = segment_of(state, row)
        if segment.rounds_left == LOST:
            continue
        if segment.expires <= clock.now:
            _book_segment(state, row, EXPIRED)
            continue
        for g in range(segment.first, segment.last):
            stored[g] += 1
    return stored
