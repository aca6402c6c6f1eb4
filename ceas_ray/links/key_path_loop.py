"""Keys on a path of one or two links, as one compiled loop."""

from __future__ import annotations

import numpy as np
from numba import njit

from ceas_ray.kernel.time import FOREVER
from ceas_ray.links.link_loop import COMPILED, PICOSECOND, failures_before_success
from ceas_ray.messages.pair_books import EXPIRED, GENERATED, USED


@njit(**COMPILED)
def key_bits_per_pair(werner):  # type: ignore[no-untyped-def]
    """Asymptotic BBM92 bits of one sifted pair, max(0, 1 - 2 h((1 - w) / 2))."""
    e = (1.0 - werner) / 2.0
    if e <= 0.0:
        return 1.0
    return max(0.0, 1.0 + 2.0 * (e * np.log2(e) + (1.0 - e) * np.log2(1.0 - e)))


@njit(**COMPILED)
def run_key_path(  # type: ignore[no-untyped-def]
    rng, legs, swap_werner, start, length, wanted, slots, useful_ages, demand_driven, counts, leg_counts, trace
):
    """Distil key bits on one path: legs (1 or 2, 5) as `LinkParameters.row`; returns the bits as a real number.

    Two legs are swapped as soon as both have a pair, oldest first; the result is measured at once. `counts` and
    `leg_counts` (5 columns) are of the first and the second leg. A demand-driven path makes no attempt on a leg that
    has a pair waiting, and stops at `wanted` bits; otherwise both legs attempt for the whole slot. Pairs expire that
    grow too old, that find no memory slot, that yield no key, that come after `wanted` bits, and that are left when
    the slot ends. trace (2,): sums over the use times and Werner parameters.
    """
    born = np.zeros((2, slots + 1), np.int64)
    stock = np.zeros(2, np.int64)
    number = legs.shape[0]
    limit = 1 if demand_driven else slots
    next_at, skip, clock = np.zeros(2, np.int64), np.zeros(2, np.int64), np.zeros(2, np.int64)
    for g in range(number):
        clock[g] = start
        skip[g] = failures_before_success(rng, legs[g, 2])
    bits, end = 0.0, start + length
    while not (demand_driven and bits >= wanted):
        chosen = -1
        for g in range(number):
            period, modes = int(legs[g, 0]), int(legs[g, 1])
            next_at[g] = clock[g] + (skip[g] // modes + 1) * period if stock[g] < limit else FOREVER
            if chosen < 0 or next_at[g] < next_at[chosen]:
                chosen = g
        at = next_at[chosen]
        expiry, expiring = FOREVER, -1
        for g in range(number):
            if stock[g] > 0 and born[g, 0] + useful_ages[g] < expiry:
                expiry, expiring = born[g, 0] + useful_ages[g], g
        if min(at, expiry) > end:
            break
        if expiry < at:
            _take_oldest(born, stock, clock, expiring, limit, expiry)
            (counts if expiring == 0 else leg_counts)[EXPIRED] += 1
            continue
        period, modes = int(legs[chosen, 0]), int(legs[chosen, 1])
        row, mode = counts if chosen == 0 else leg_counts, skip[chosen] % modes
        while mode < modes:  # all pairs that this attempt heralds
            row[GENERATED] += 1
            if stock[chosen] < slots:
                born[chosen, stock[chosen]] = at - period
                stock[chosen] += 1
            else:
                row[EXPIRED] += 1
            mode += 1 + failures_before_success(rng, legs[chosen, 2])
        clock[chosen], skip[chosen] = at, mode - modes
        while stock[0] > 0 and (number == 1 or stock[1] > 0):
            werner = 1.0 if number == 1 else swap_werner
            for g in range(number):
                decay = np.exp(-(at - born[g, 0]) * 2.0 * PICOSECOND / legs[g, 4])
                werner *= (4.0 * legs[g, 3] - 1.0) / 3.0 * decay
                _take_oldest(born, stock, clock, g, limit, at)
            gained = key_bits_per_pair(werner) if bits < wanted else 0.0
            column = USED if gained > 0.0 else EXPIRED
            counts[column] += 1
            if number == 2:
                leg_counts[column] += 1
            if gained > 0.0:
                bits += gained
                trace[0] += at - start
                trace[1] += werner
    counts[EXPIRED] += stock[0]
    if number == 2:
        leg_counts[EXPIRED] += stock[1]
    return bits


@njit(**COMPILED)
def _take_oldest(born, stock, clock, leg, limit, at):  # type: ignore[no-untyped-def]
    """Take the oldest pair of a leg away; a leg that may attempt again begins at this time."""
    for a in range(stock[leg] - 1):
        born[leg, a] = born[leg, a + 1]
    stock[leg] -= 1
    if stock[leg] == limit - 1:
        clock[leg] = max(clock[leg], at)
