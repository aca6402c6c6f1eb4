"""Operations on stored pairs: purification and swaps, as soon as they can be done."""

from __future__ import annotations

from ceas_ray.kernel.compiled_code import COMPILED_PART, njit
from ceas_ray.kernel.time import FOREVER
from ceas_ray.links.engine.attempts import attempts_made
from ceas_ray.links.engine.draws import uniform
from ceas_ray.links.engine.segments import (
    book_segment,
    go_on,
    is_end_to_end,
    is_ready,
    limit_life,
    pair_at,
    remove,
    route_latency,
)
from ceas_ray.links.engine.state import AS_SOON_AS_POSSIBLE, IN_ORDER, LOST, leg_of, segment_of, source_of
from ceas_ray.messages.pair_books import EXPIRED
from ceas_ray.quantum.pair_physics import (
    Pair,
    bbpssw,
    fidelity_of_werner,
    swapped,
    werner_of,
    werner_of_fidelity,
)


@njit(**COMPILED_PART)
def settle(route):  # type: ignore[no-untyped-def]
    """Do all that can be done now: forget lost pairs whose news is out, purify, swap."""
    again = True
    while again and (route.live > 1 or route.lost > 0):  # a pair alone waits
        again = False
        if route.lost > 0:
            _forget_lost(route)
        for g in range(route.number):
            while leg_of(route, g).rounds > 0 and _purify(route, g):
                again = True
        for node in range(1, route.number):
            begins, ends = _span(route, node)
            left, right = _oldest(route, begins, node), _oldest(route, node, ends)
            if left >= 0 and right >= 0:
                _swap(route, left, right)
                again = True
    go_on(route)


@njit(**COMPILED_PART)
def _forget_lost(route):  # type: ignore[no-untyped-def]
    """Free the memories of lost pairs whose news is out."""
    row = route.first
    while row < route.live:
        if segment_of(route, row).rounds_left == LOST and segment_of(route, row).ready <= route.now:
            remove(route, row)
        else:
            row += 1


@njit(**COMPILED_PART)
def _lose(route, segment):  # type: ignore[no-untyped-def]
    """Lose a segment; its memories wait for the news."""
    segment.rounds_left, segment.expires = LOST, FOREVER
    route.lost += 1


@njit(**COMPILED_PART)
def _write(segment, pair, now):  # type: ignore[no-untyped-def]
    """Write this pair into the segment."""
    segment.xx, segment.yy, segment.zz = pair.xx, pair.yy, pair.zz
    segment.z_start, segment.z_end, segment.updated = pair.z_start, pair.z_end, now


# --- purification ----------------------------------------------------------


@njit(**COMPILED_PART)
def _two_oldest(route, g):  # type: ignore[no-untyped-def]
    """Return the two oldest pairs of leg g with most rounds of purification to come, of two that are equally far; or
    -1.
    """
    most = 0
    for row in range(route.live):
        if segment_of(route, row).first == g:
            most = max(most, segment_of(route, row).rounds_left)
    for rounds in range(most, 0, -1):
        older, younger = -1, -1
        for row in range(route.live):
            segment = segment_of(route, row)
            if segment.first != g or segment.rounds_left != rounds or not is_ready(route, segment):
                continue
            if older < 0 or segment.born < segment_of(route, older).born:
                older, younger = row, older
            elif younger < 0 or segment.born < segment_of(route, younger).born:
                younger = row
        if younger >= 0:
            return older, younger
    return -1, -1


@njit(**COMPILED_PART)
def _purify(route, g):  # type: ignore[no-untyped-def]
    """Purify two pairs of leg g; return whether there were two. The younger one is kept, until the news is out."""
    older, younger = _two_oldest(route, g)
    if younger < 0:
        return False
    kept, spent, source = segment_of(route, younger), segment_of(route, older), source_of(route, g)
    fidelity, success = bbpssw(
        fidelity_of_werner(werner_of(pair_at(route, older, route.now))),
        fidelity_of_werner(werner_of(pair_at(route, younger, route.now))),
    )
    kept.ready = route.now + leg_of(route, g).latency
    if uniform(route) < success:
        werner = werner_of_fidelity(fidelity)
        _write(kept, Pair(werner, werner, werner, 0.0, 0.0), route.now)
        kept.attempts_at_start = kept.attempts_at_end = attempts_made(route, g, route.now)
        kept.rounds_left -= 1
        kept.expires, kept.born = min(kept.expires, spent.expires), min(kept.born, spent.born)
        source.sacrificed += 1
        if kept.rounds_left == 0:
            source.finished += 1
            source.births_left -= 1
        limit_life(route, younger)
    else:
        _lose(route, kept)
        source.sacrificed += 2
    remove(route, older)
    return True


# --- swaps ----------------------------------------------------------


@njit(**COMPILED_PART)
def _span(route, node):  # type: ignore[no-untyped-def]
    """Return where the pair that a swap at a node makes must begin and end; -1: anywhere.

    In a balanced tree every span of legs is halved again and again, down to single legs; each node halves one span.
    """
    if route.order == AS_SOON_AS_POSSIBLE:
        return -1, -1
    if route.order == IN_ORDER:
        return 0, -1
    begins, ends = 0, route.number
    middle = (begins + ends) // 2
    while middle != node:
        if node < middle:
            ends = middle
        else:
            begins = middle
        middle = (begins + ends) // 2
    return begins, ends


@njit(**COMPILED_PART)
def _oldest(route, begins, ends):  # type: ignore[no-untyped-def]
    """Return the oldest finished segment between these nodes, -1 for any node; or -1."""
    found = -1
    for row in range(route.live):
        segment = segment_of(route, row)
        if (
            (begins < 0 or segment.first == begins)
            and (ends < 0 or segment.last == ends)
            and segment.rounds_left == 0
            and is_ready(route, segment)
            and (found < 0 or segment.born < segment_of(route, found).born)
        ):
            found = row
    return found


@njit(**COMPILED_PART)
def _swap(route, left, right):  # type: ignore[no-untyped-def]
    """Measure the two inner halves at the node between two segments; the left one becomes the result."""
    one, other, now = segment_of(route, left), segment_of(route, right), route.now
    here, farthest = leg_of(route, other.first).place, route_latency(route)
    to_left = here - leg_of(route, one.first).place
    to_right = leg_of(route, other.last - 1).place + leg_of(route, other.last - 1).latency - here
    pair = swapped(pair_at(route, left, now), pair_at(route, right, now), route.werner)
    one.attempts_at_start = attempts_made(route, one.first, now)
    one.attempts_at_end = attempts_made(route, other.last - 1, now)
    one.last, one.born, one.expires = other.last, min(one.born, other.born), min(one.expires, other.expires)
    one.news_at_start = max(one.news_at_start, other.news_at_start, now + here)
    one.news_at_end = max(one.news_at_end, other.news_at_end, now + farthest - here)
    _write(one, pair, now)
    for g in range(other.first, other.last):  # `remove` will take the right one's pairs out of its legs' counts
        source_of(route, g).standing += 1
        source_of(route, g).finished += 1
    can_fail = route.success < 1.0
    one.ready = now + max(to_left, to_right) if can_fail else now
    if can_fail and uniform(route) >= route.success:
        book_segment(route, left, EXPIRED)
        for g in range(one.first, one.last):
            source_of(route, g).finished -= 1
        _lose(route, one)
    elif is_end_to_end(route, one):
        if not route.corrected:
            one.ready = now
        elif not can_fail:
            one.ready = max(one.news_at_start, one.news_at_end)
        limit_life(route, left)
    remove(route, right)
