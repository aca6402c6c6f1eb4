"""Key bits, distilled from the end-to-end pairs of a route."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ceas_ray.kernel.compiled_code import COMPILED, COMPILED_INLINE, COMPILED_PART, njit
from ceas_ray.links.consumers.stock import read_only
from ceas_ray.links.engine.advance import TIME_OVER, advance
from ceas_ray.links.engine.attempts import attempt_from, begin_with_limit
from ceas_ray.links.engine.births import herald
from ceas_ray.links.engine.records import uncounted
from ceas_ray.links.engine.route import RouteStates
from ceas_ray.links.engine.segments import (
    book,
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
from ceas_ray.messages.pair_books import EXPIRED, USED
from ceas_ray.quantum.pair_physics import Pair, error_rate, key_bits, swapped, werner_of


class DistilledKeys(NamedTuple):
    """Of several paths: bits, real numbers (paths,), the pairs behind them, int64 (paths,), and of each party's paths a
    trace (parties, 2)."""

    bits: NDArray[np.float64]
    pairs: NDArray[np.int64]
    trace: NDArray[np.float64]


def distil_paths(
    states: RouteStates, until: NDArray[np.int64], wanted: NDArray[np.float64], paths_of_parties: Sequence[int]
) -> DistilledKeys:
    """Distil key bits on all of these new routes, path by path, in one compiled call.

    Pairs are measured in X and Z as soon as they exist (`RouteRules.stops`, and `RouteRules.corrected` is false:
    corrections are classical then). Whatever the scheduler does for shots, a path makes no attempt on a leg that has a
    pair waiting, and stops when it has the bits that it needs. Pairs expire that grow too old, that find no memory
    slot, that yield no key, and that are left at the end. until, wanted (paths,): when each path ends, ps, and how many
    bits it needs. paths_of_parties: how many paths each party has; they come one party after the other. trace: the sums
    of use times and of Werner parameters.
    """
    paths, parties = len(states.addresses), len(paths_of_parties)
    found = DistilledKeys(np.zeros(paths), np.zeros(paths, np.int64), np.zeros((parties, 2)))
    party_of_path = np.repeat(np.arange(parties), paths_of_parties)
    _distil_paths(states.addresses, party_of_path, read_only(until), read_only(wanted), found)
    return found


@njit(**COMPILED)
def _distil_paths(addresses, parties, until, wanted, found):  # type: ignore[no-untyped-def]
    """Fill bits, pairs and trace, path by path."""
    found = uncounted(found)
    for path in range(len(addresses)):
        route, trace = route_at(addresses[path]), found.trace[parties[path]]
        begin_with_limit(route, 1)
        if _is_plain(route):
            bits, pairs = _distil_plain(route, until[path], wanted[path], trace)
        else:
            bits, pairs = _distil(route, until[path], wanted[path], trace)
        found.bits[path], found.pairs[path] = bits, pairs


@njit(**COMPILED_PART)
def _distil(route, until, wanted, trace):  # type: ignore[no-untyped-def]
    """Distil key bits on any route until `until`, ps. Return the bits, a real number, and the pairs used."""
    start, bits, pairs = route.now, 0.0, 0
    while bits < wanted:
        if advance(route, until) == TIME_OVER:
            break
        row = chosen(route, False)
        pair = pair_at(route, row, route.now)
        gained = _bits_of(pair)
        take(route, row, USED if gained > 0.0 else EXPIRED)
        go_on(route)
        if gained > 0.0:
            bits += gained
            pairs += 1
            trace[0] += route.now - start
            trace[1] += werner_of(pair)
    left = close(route)
    for g in range(route.number):  # the next key slot is another path's
        source_of(route, g).expired += left[g]
    return bits, pairs


@njit(**COMPILED_PART)
def _bits_of(pair):  # type: ignore[no-untyped-def]
    """Return the key bits that a pair yields."""
    error_x, error_z = error_rate(pair.xx), error_rate(pair.zz)
    if error_x == error_z:  # as of a Werner pair: one entropy is enough
        return key_bits(error_x, error_x)
    return key_bits(error_x, error_z)


# --- two links whose swaps cannot fail ----------------------------------------------------------


@njit(**COMPILED_PART)
def _is_plain(route):  # type: ignore[no-untyped-def]
    """Return whether `_distil_plain` can serve a route: one of two links, without purification, whose swaps cannot
    fail and whose attempts disturb no pair.
    """
    if route.number != 2 or route.success < 1.0 or route.min_fidelity > 0.0 or route.corrected or route.slots < 1:
        return False
    for g in range(2):
        leg = leg_of(route, g)
        if leg.rounds > 0 or leg.phase_left < 1.0 or leg.attempt_period > route.useful_age:
            return False
    return True


@njit(**COMPILED_PART)
def _distil_plain(route, until, wanted, trace):  # type: ignore[no-untyped-def]
    """Do what `_distil` does, to the bit, without segments: most paths are like that.

    A leg rests until all of its pairs are gone, so these come of one attempt and are of one age. Either one leg waits
    with pairs while the other attempts, or both attempt.
    """
    start, bits, pairs = route.now, 0.0, 0
    waiting, held, born = 0, 0, 0
    while bits < wanted:
        if held == 0:
            waiting = 0 if source_of(route, 0).next <= source_of(route, 1).next else 1
            at = source_of(route, waiting).next
            if at > until:
                break
            held, born = herald(route, waiting, route.slots), at - leg_of(route, waiting).attempt_period
        other, expires = 1 - waiting, born + route.useful_age
        at = source_of(route, other).next
        if min(at, expires + 1) > until:
            break
        if expires < at:
            source_of(route, waiting).expired += held
            held = 0
            attempt_from(route, waiting, expires)
            continue
        made, other_born = herald(route, other, route.slots), at - leg_of(route, other).attempt_period
        pair = _swapped_pair(route, at - (other_born if waiting else born), at - (born if waiting else other_born))
        used, bits, yielding = _use(route, pair, min(held, made), bits, wanted, at - start, trace)
        pairs, held, made = pairs + yielding, held - used, made - used
        if held == 0:
            attempt_from(route, waiting, at)
        if made == 0:
            attempt_from(route, other, at)
        else:
            source_of(route, waiting).expired += held  # none, unless there are bits enough
            waiting, held, born = other, made, other_born
    source_of(route, waiting).expired += held
    return bits, pairs


@njit(**COMPILED_INLINE)
def _use(route, pair, most, bits, wanted, since_start, trace):  # type: ignore[no-untyped-def]
    """Use up to `most` pairs like this one, until there are bits enough. Return how many, the bits, and how many yield
    any.
    """
    gained, used = _bits_of(pair), 0
    while used < most and bits < wanted:
        used += 1
        if gained > 0.0:
            bits += gained
            trace[0] += since_start
            trace[1] += werner_of(pair)
    for g in range(2):
        book(source_of(route, g), USED if gained > 0.0 else EXPIRED, used)
    return used, bits, used if gained > 0.0 else 0


@njit(**COMPILED_INLINE)
def _swapped_pair(route, age_0, age_1):  # type: ignore[no-untyped-def]
    """Return the pair that a swap makes of one of each leg, of these ages, ps."""
    one, other = leg_of(route, 0), leg_of(route, 1)
    first = stored(Pair(one.xx, one.yy, one.zz, 0.0, 0.0), start_rates(one), age_0, end_rates(one), age_0)
    second = stored(Pair(other.xx, other.yy, other.zz, 0.0, 0.0), start_rates(other), age_1, end_rates(other), age_1)
    return swapped(first, second, route.werner)
