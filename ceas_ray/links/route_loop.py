"""The life of pairs on a route of N links as compiled loops: generation, purification, swapping, waiting, loss.

A *segment* is a pair whose halves lie at two nodes of the route: a link's own pair, or what swaps made of several. Each
half decays from its emission until it is measured (depolarizing), and a Bell measurement multiplies w by `werner`, so
w = prod w_leg exp(-sum of the halves' storage times / T) werner^swaps: exact for Werner pairs. A segment is given up
when the oldest pair in it passes its useful age, and (if a least w is asked) when an end-to-end pair falls below that.

A leg attempts while fewer than `limit` finished pairs stand on it, swapped ones included, and fewer than `slots` in
all; when it may go on it begins a new attempt at once. Of the pairs that an attempt heralds those beyond `slots` expire
at once. What one time brings is done in this order: births, leg by leg,
each followed by purification and swaps (from the first end on), then expiry; so a pair may be used at its useful age.

Swaps that cannot fail are chained at once, their outcomes travel to the ends meanwhile (Pauli frame), and the pair of
the ends may be used when the last one is known at both. Swaps that can fail must be heralded: what they make may be
used when both of its ends know. Failures block their memories until then. Times are picoseconds (int64).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from ceas_ray.kernel.time import FOREVER
from ceas_ray.links.key_path_loop import key_bits_per_pair
from ceas_ray.links.link_loop import COMPILED, failures_before_success
from ceas_ray.messages.pair_books import EXPIRED, GENERATED, LATE, SACRIFICED, TESTING, TRAINING, USED

FIRST, LAST, BORN, EXPIRES, UPDATED, READY, LEVEL, NEWS_AT_START, NEWS_AT_END = range(9)
"""Columns of a segment: its legs [first, last), times, rounds of purification done (_LOST: its memories wait for the
news), and when the outcomes of its swaps are known at the route's two ends."""
WERNER, DECAY_AT_START, DECAY_AT_END = range(3)
"""Of a segment: w at UPDATED, and 1/T of its two memories, per ps."""
CLOCK, SKIP, RESTS, FINISHED, STANDING, NEXT = range(6)
"""Of a leg: start of its attempt, failures before its next success, whether it rests, how many pairs stand on it
(finished: ready to be swapped), and when its next pair is heralded."""
COUNT, NOW = range(2)
LIMIT, SLOTS, ROUNDS, IN_ORDER, CORRECTED, USEFUL_AGE, STOPS = range(7)
"""Rules: the stock limit, memory slots, rounds of purification, whether swaps go outwards in order, whether the ends
wait for corrections, the useful age of a leg's pair, whether to stop at an end-to-end pair (an entry and not an
argument, so that Numba compiles one loop and not two)."""
SWAP_WERNER, SWAP_SUCCESS, MIN_WERNER = range(3)
_LOST = -1
_PICOSECOND = 1e-12
_inlined: dict[str, Any] = {**COMPILED, "inline": "always"}


@njit(**_inlined)
def _look_ahead(leg, row):  # type: ignore[no-untyped-def]
    """When the next success of a leg is heralded: at the end of its attempt."""
    leg[NEXT] = leg[CLOCK] + (leg[SKIP] // int(row[1]) + 1) * int(row[0])


@njit(**COMPILED)
def _places(latencies):  # type: ignore[no-untyped-def]
    """How far the nodes are from the first one, in ps of light."""
    places = np.zeros(len(latencies) + 1, np.int64)
    for g in range(len(latencies)):
        places[g + 1] = places[g] + latencies[g]
    return places


@njit(**COMPILED)
def _begin(rng, legs, slots, start):  # type: ignore[no-untyped-def]
    """An empty route: segments, their quality, the legs' generators, and the time."""
    number = legs.shape[0]
    most = number * (slots + 2)
    generators = np.zeros((number, 6), np.int64)
    for g in range(number):
        generators[g, CLOCK] = start
        generators[g, SKIP] = failures_before_success(rng, legs[g, 2])
        _look_ahead(generators[g], legs[g])
    return np.zeros((most, 9), np.int64), np.zeros((most, 3)), generators, np.array([0, start])


@njit(**COMPILED)
def _remove(state, row):  # type: ignore[no-untyped-def]
    segments, quality, _, time = state
    for other in range(row, time[COUNT] - 1):  # element by element: Numba's copies of rows are slow
        for column in range(segments.shape[1]):
            segments[other, column] = segments[other + 1, column]
        for column in range(quality.shape[1]):
            quality[other, column] = quality[other + 1, column]
    time[COUNT] -= 1


@njit(**_inlined)
def _book_expired(state, row, book):  # type: ignore[no-untyped-def]
    """A segment is given up: the pair that every leg put into it has expired."""
    segments, _, _, _ = state
    for g in range(segments[row, FIRST], segments[row, LAST]):
        book[g, EXPIRED] += 1


@njit(**_inlined)
def _werner(state, row, at):  # type: ignore[no-untyped-def]
    segments, quality, _, _ = state
    decay = quality[row, DECAY_AT_START] + quality[row, DECAY_AT_END]
    return quality[row, WERNER] * np.exp(-(at - segments[row, UPDATED]) * decay)


@njit(**COMPILED)
def _limit_life(state, row, legs, rules, odds):  # type: ignore[no-untyped-def]
    """An end-to-end pair is useless from the moment when its w is below the least."""
    segments, quality, _, _ = state
    ends = segments[row, FIRST] == 0 and segments[row, LAST] == legs.shape[0] and segments[row, LEVEL] == rules[ROUNDS]
    if not ends or odds[MIN_WERNER] <= 0.0:
        return
    if quality[row, WERNER] < odds[MIN_WERNER]:
        segments[row, EXPIRES] = segments[row, UPDATED] - 1
        return
    decay = quality[row, DECAY_AT_START] + quality[row, DECAY_AT_END]
    left = np.log(quality[row, WERNER] / odds[MIN_WERNER]) / decay
    if left < 1e18:
        segments[row, EXPIRES] = min(segments[row, EXPIRES], segments[row, UPDATED] + int(left))


@njit(**_inlined)
def _give_birth(rng, state, g, at, legs, rules, odds, book):  # type: ignore[no-untyped-def]
    """Leg g's attempt that ends at `at` has succeeded, in one of its modes or in several."""
    _, _, generators, _ = state
    leg, modes = generators[g], int(legs[g, 1])
    mode = leg[SKIP] % modes
    while mode < modes:
        book[g, GENERATED] += 1
        if leg[STANDING] < rules[SLOTS]:
            leg[STANDING] += 1
            _store(state, g, at, legs, rules, odds)
        else:
            book[g, EXPIRED] += 1
        mode += 1 + failures_before_success(rng, legs[g, 2])
    leg[CLOCK], leg[SKIP] = at, mode - modes
    _look_ahead(leg, legs[g])


@njit(**_inlined)
def _store(state, g, at, legs, rules, odds):  # type: ignore[no-untyped-def]
    """A pair of leg g, heralded at `at`, takes a memory slot."""
    segments, quality, _, time = state
    row, born = time[COUNT], at - int(legs[g, 0])
    segments[row, FIRST], segments[row, LAST], segments[row, LEVEL] = g, g + 1, 0
    segments[row, BORN], segments[row, UPDATED], segments[row, READY] = born, born, at
    segments[row, EXPIRES] = born + rules[USEFUL_AGE]
    segments[row, NEWS_AT_START], segments[row, NEWS_AT_END] = 0, 0
    quality[row, WERNER] = (4.0 * legs[g, 3] - 1.0) / 3.0
    quality[row, DECAY_AT_START] = quality[row, DECAY_AT_END] = _PICOSECOND / legs[g, 4]
    time[COUNT] += 1
    _limit_life(state, row, legs, rules, odds)


@njit(**_inlined)
def _oldest(state, column, node, level, begins_at):  # type: ignore[no-untyped-def]
    """The oldest usable segment whose `column` (FIRST or LAST) is this node, of this level; -1 if there is none.

    begins_at: its first leg, or -1 for any.
    """
    segments, _, _, time = state
    found = -1
    for row in range(time[COUNT]):
        if (
            segments[row, column] == node
            and segments[row, LEVEL] == level
            and segments[row, READY] <= time[NOW] <= segments[row, EXPIRES]
            and (begins_at < 0 or segments[row, FIRST] == begins_at)
            and (found < 0 or segments[row, BORN] < segments[found, BORN])
        ):
            found = row
    return found


@njit(**COMPILED)
def _purify(rng, state, g, legs, places, rules, odds, book):  # type: ignore[no-untyped-def]
    """BBPSSW on the two oldest pairs of leg g that are equally far; whether there were two. The older is measured."""
    segments, quality, _, time = state
    for level in range(rules[ROUNDS]):
        older, younger = -1, -1
        for row in range(time[COUNT]):
            if (
                segments[row, FIRST] == g
                and segments[row, LEVEL] == level
                and segments[row, READY] <= time[NOW] <= segments[row, EXPIRES]
            ):
                if older < 0 or segments[row, BORN] < segments[older, BORN]:
                    older, younger = row, older
                elif younger < 0 or segments[row, BORN] < segments[younger, BORN]:
                    younger = row
        if younger < 0:
            continue
        first = (1.0 + 3.0 * _werner(state, older, time[NOW])) / 4.0
        second = (1.0 + 3.0 * _werner(state, younger, time[NOW])) / 4.0
        agree = (
            first * second
            + (first * (1.0 - second) + second * (1.0 - first)) / 3.0
            + 5.0 * (1.0 - first) * (1.0 - second) / 9.0
        )
        fidelity = (first * second + (1.0 - first) * (1.0 - second) / 9.0) / agree
        segments[younger, READY] = time[NOW] + places[g + 1] - places[g]
        segments[younger, UPDATED] = time[NOW]
        if rng.random() < agree:
            segments[younger, LEVEL] = level + 1
            segments[younger, EXPIRES] = min(segments[older, EXPIRES], segments[younger, EXPIRES])
            segments[younger, BORN] = min(segments[older, BORN], segments[younger, BORN])
            quality[younger, WERNER] = (4.0 * fidelity - 1.0) / 3.0
            book[g, SACRIFICED] += 1
            _limit_life(state, younger, legs, rules, odds)
        else:
            segments[younger, LEVEL], segments[younger, EXPIRES] = _LOST, FOREVER
            book[g, SACRIFICED] += 2
        _remove(state, older)
        return True
    return False


@njit(**COMPILED)
def _swap(rng, state, left, right, legs, places, rules, odds, book):  # type: ignore[no-untyped-def]
    """Measure the two inner halves at the node between two segments; the result takes the left one's row."""
    segments, quality, _, time = state
    now, node = time[NOW], segments[left, LAST]
    before, after = places[node], places[legs.shape[0]] - places[node]
    to_left, to_right = places[node] - places[segments[left, FIRST]], places[segments[right, LAST]] - places[node]
    heralded = now + max(to_left, to_right)
    werner = _werner(state, left, now) * _werner(state, right, now) * odds[SWAP_WERNER]
    succeeds = odds[SWAP_SUCCESS] >= 1.0 or rng.random() < odds[SWAP_SUCCESS]
    row = segments[left]
    row[LAST], row[UPDATED] = segments[right, LAST], now
    row[BORN] = min(row[BORN], segments[right, BORN])
    row[EXPIRES] = min(row[EXPIRES], segments[right, EXPIRES])
    row[NEWS_AT_START] = max(row[NEWS_AT_START], segments[right, NEWS_AT_START], now + before)
    row[NEWS_AT_END] = max(row[NEWS_AT_END], segments[right, NEWS_AT_END], now + after)
    row[READY] = now if odds[SWAP_SUCCESS] >= 1.0 else heralded
    quality[left, WERNER], quality[left, DECAY_AT_END] = werner, quality[right, DECAY_AT_END]
    if not succeeds:
        row[LEVEL], row[EXPIRES] = _LOST, FOREVER
        _book_expired(state, left, book)
    elif row[FIRST] == 0 and row[LAST] == legs.shape[0]:
        if not rules[CORRECTED]:
            row[READY] = now
        elif odds[SWAP_SUCCESS] >= 1.0:
            row[READY] = max(row[NEWS_AT_START], row[NEWS_AT_END])
        _limit_life(state, left, legs, rules, odds)
    _remove(state, right)


@njit(**_inlined)
def _settle(rng, state, legs, places, rules, odds, book):  # type: ignore[no-untyped-def]
    """Do all that can be done now: forget lost pairs whose news is out, purify, swap."""
    segments, _, _, time = state
    row = 0
    while row < time[COUNT]:
        if segments[row, LEVEL] == _LOST and segments[row, READY] <= time[NOW]:
            _remove(state, row)
        else:
            row += 1
    again = True
    while again:
        again = False
        for g in range(legs.shape[0] if rules[ROUNDS] > 0 else 0):
            while _purify(rng, state, g, legs, places, rules, odds, book):
                again = True
        for node in range(1, legs.shape[0]):
            left = _oldest(state, LAST, node, rules[ROUNDS], 0 if rules[IN_ORDER] else -1)
            right = _oldest(state, FIRST, node, rules[ROUNDS], -1)
            if left >= 0 and right >= 0:
                _swap(rng, state, left, right, legs, places, rules, odds, book)
                again = True
        row = 0
        while again and row < time[COUNT]:  # a failure nobody has to wait for frees its memories at once
            if segments[row, LEVEL] == _LOST and segments[row, READY] <= time[NOW]:
                _remove(state, row)
            else:
                row += 1


@njit(**_inlined)
def _rest_or_wake(state, legs, rules):  # type: ignore[no-untyped-def]
    """Count what stands on every leg; stop those at a limit, but for one that succeeds now; start those below."""
    segments, _, generators, time = state
    for g in range(legs.shape[0]):
        generators[g, FINISHED] = 0
        generators[g, STANDING] = 0
    for row in range(time[COUNT]):
        for g in range(segments[row, FIRST], segments[row, LAST]):
            generators[g, STANDING] += 1
            generators[g, FINISHED] += 1 if segments[row, LEVEL] == rules[ROUNDS] else 0
    for g in range(legs.shape[0]):
        leg = generators[g]
        full = leg[FINISHED] >= rules[LIMIT] or leg[STANDING] >= rules[SLOTS]
        if full and not leg[RESTS] and leg[NEXT] > time[NOW]:
            leg[SKIP] -= (time[NOW] - leg[CLOCK]) // int(legs[g, 0]) * int(legs[g, 1])
            leg[RESTS], leg[CLOCK], leg[NEXT] = 1, time[NOW], FOREVER
        elif not full and leg[RESTS]:
            leg[RESTS], leg[CLOCK] = 0, max(leg[CLOCK], time[NOW])
            _look_ahead(leg, legs[g])


@njit(**_inlined)
def _pair_of_the_ends(state, legs, rules):  # type: ignore[no-untyped-def]
    """The row of the oldest end-to-end pair that may be used now (-1 if there is none), and how many there are."""
    segments, _, _, time = state
    found, usable = -1, 0
    for row in range(time[COUNT]):
        if (
            segments[row, FIRST] == 0
            and segments[row, LAST] == legs.shape[0]
            and segments[row, LEVEL] == rules[ROUNDS]
            and segments[row, READY] <= time[NOW] <= segments[row, EXPIRES]
        ):
            usable += 1
            if found < 0 or segments[row, BORN] < segments[found, BORN]:
                found = row
    return found, usable


@njit(**COMPILED)
def _advance(rng, state, until, legs, places, rules, odds, book):  # type: ignore[no-untyped-def]
    """Let everything happen that happens until then, that time included; whether it stopped at an end-to-end pair."""
    segments, _, generators, time = state
    _rest_or_wake(state, legs, rules)
    if rules[STOPS] and _pair_of_the_ends(state, legs, rules)[1] > 0:
        return True
    while True:
        birth, chosen = FOREVER, -1
        for g in range(legs.shape[0]):
            if generators[g, NEXT] < birth:
                birth, chosen = generators[g, NEXT], g
        news, expiry, expiring = FOREVER, FOREVER, -1
        for row in range(time[COUNT]):
            if segments[row, READY] > time[NOW]:
                news = min(news, segments[row, READY])
            if segments[row, EXPIRES] < expiry:
                expiry, expiring = segments[row, EXPIRES], row
        if expiry < min(birth, news):
            if expiry >= until:
                break
            time[NOW] = max(time[NOW], expiry)
            _book_expired(state, expiring, book)
            _remove(state, expiring)
        elif min(birth, news) > until:
            break
        else:
            time[NOW] = min(birth, news)
            if birth <= news:
                _give_birth(rng, state, chosen, birth, legs, rules, odds, book)
                _rest_or_wake(state, legs, rules)
            _settle(rng, state, legs, places, rules, odds, book)
        _rest_or_wake(state, legs, rules)
        if rules[STOPS] and _pair_of_the_ends(state, legs, rules)[1] > 0:
            return True
    time[NOW] = max(time[NOW], until)
    return False


@njit(**COMPILED)
def _close(state, legs, book):  # type: ignore[no-untyped-def]
    """Return the stock of every leg; a pair that may be used up to now and no longer has expired."""
    segments, _, _, time = state
    stored = np.zeros(legs.shape[0], np.int64)
    for row in range(time[COUNT]):
        if segments[row, LEVEL] == _LOST:
            continue
        if segments[row, EXPIRES] <= time[NOW]:
            _book_expired(state, row, book)
            continue
        for g in range(segments[row, FIRST], segments[row, LAST]):
            stored[g] += 1
    return stored


@njit(**COMPILED)
def run_route_shots(  # type: ignore[no-untyped-def]
    rng, legs, latencies, rules, odds, start, releases, is_test, pairs, deadline, gap_limit, burst_limit,
    demand_driven, counts, on_time, shot_werner, tested, errors, events,
):  # fmt: skip
    """Serve the shots of one plan with end-to-end pairs of a route, oldest first; see `run_shots`.

    legs: (N, 5) as `LinkParameters.row`; latencies (N,), ps. Teleporting spends a Bell measurement, and the qubit waits
    L / c for its correction in the last leg's memory. Fills counts (N, 3 uses, 5 columns: every leg's own books),
    on_time, shot_werner, tested, errors and events as `run_shots` does. Returns the stock of every leg, (N,).
    """
    number, shots, places = legs.shape[0], len(releases), _places(latencies)
    latency = places[number]
    state = _begin(rng, legs, rules[SLOTS], start)
    rules[STOPS] = 0
    book = np.zeros((number, 5), np.int64)  # of training; tests take over what they use
    last = odds[SWAP_WERNER] * np.exp(-latency * _PICOSECOND / legs[number - 1, 4])
    time, remaining = state[3], 0
    for i in range(shots):
        if remaining == 0:
            remaining = 1
            while i + remaining < shots and releases[i + remaining] - releases[i + remaining - 1] <= deadline:
                remaining += 1
        opens = start + releases[i]
        executes = max(opens, opens + deadline - latency)
        rules[LIMIT] = gap_limit
        _advance(rng, state, opens, legs, places, rules, odds, book)
        rules[LIMIT] = min(burst_limit, remaining * pairs) if demand_driven else burst_limit
        _advance(rng, state, executes, legs, places, rules, odds, book)
        remaining -= 1
        on_time[i] = False
        events[i, 0], events[i, 1] = executes, 0.0
        _, usable = _pair_of_the_ends(state, legs, rules)
        if usable < pairs:
            continue
        late = latency > deadline
        use = TESTING if is_test[i] else TRAINING
        for a in range(pairs):
            row, _ = _pair_of_the_ends(state, legs, rules)
            werner = _werner(state, row, time[NOW])
            _remove(state, row)
            shot_werner[i, a] = last * werner
            events[i, 1] += (1.0 + 3.0 * werner) / 4.0
            if use == TESTING:
                basis = int(rng.random() * 3.0)
                tested[basis] += 1
                errors[basis] += 1 if rng.random() < (1.0 - odds[SWAP_WERNER] * werner) / 2.0 else 0
        for g in range(number):
            if use == TESTING:  # every pair was generated for shots; a test takes it over
                book[g, GENERATED] -= pairs
                counts[g, TESTING, GENERATED] += pairs
                counts[g, TESTING, LATE if late else USED] += pairs
            else:
                book[g, LATE if late else USED] += pairs
        on_time[i] = not late
    stored = _close(state, legs, book)
    for g in range(number):
        for column in range(5):
            counts[g, TRAINING, column] += book[g, column]
    return stored


@njit(**COMPILED)
def run_route_keys(  # type: ignore[no-untyped-def]
    rng, legs, latencies, rules, odds, start, length, wanted, demand_driven, book, trace
):
    """Distil key bits from end-to-end pairs, measured as soon as they exist (corrections are classical then).

    See `run_key_path`, whose stock policy this has. Fills `book` (N, 5 columns); returns the bits as a real number.
    """
    rules[CORRECTED], rules[STOPS] = 0, 1
    rules[LIMIT] = 1 if demand_driven else rules[SLOTS]
    places = _places(latencies)
    state = _begin(rng, legs, rules[SLOTS], start)
    time, bits, end = state[3], 0.0, start + length
    while not (demand_driven and bits >= wanted):
        if not _advance(rng, state, end, legs, places, rules, odds, book):
            break
        row, _ = _pair_of_the_ends(state, legs, rules)
        werner = _werner(state, row, time[NOW])
        _remove(state, row)
        gained = key_bits_per_pair(werner) if bits < wanted else 0.0
        for g in range(legs.shape[0]):
            book[g, USED if gained > 0.0 else EXPIRED] += 1
        if gained > 0.0:
            bits += gained
            trace[0] += time[NOW] - start
            trace[1] += werner
    stored = _close(state, legs, book)
    for g in range(legs.shape[0]):  # the next key slot is another path's
        book[g, EXPIRED] += stored[g]
    return bits


@njit(**COMPILED)
def run_route_deliveries(  # type: ignore[no-untyped-def]
    rng, legs, latencies, rules, odds, until, book, times, werner
):
    """Take every end-to-end pair away when it may be used; fills times and werner, and `book` (N, 5 columns).

    Ends when the arrays are full or the time is over; returns the number of pairs and the stock of every leg.
    """
    places = _places(latencies)
    state = _begin(rng, legs, rules[SLOTS], places[0])
    rules[STOPS], delivered = 1, 0
    while delivered < len(times):
        if not _advance(rng, state, until, legs, places, rules, odds, book):
            break
        row, _ = _pair_of_the_ends(state, legs, rules)
        times[delivered], werner[delivered] = state[3][NOW], _werner(state, row, state[3][NOW])
        _remove(state, row)
        for g in range(legs.shape[0]):
            book[g, USED] += 1
        delivered += 1
    return delivered, _close(state, legs, book)
