"""Keys on a path of one or two links, as one compiled loop."""

from __future__ import annotations

import numpy as np
from numba import njit

from ceas_ray.kernel.time import FOREVER
from ceas_ray.links.link_loop import COMPILED, EXPIRED, GENERATED, PICOSECOND, USED, failures_before_success


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
    `leg_counts` (5 columns) are of the first and the second leg. A demand-driven path holds a leg back while it has a
    pair that waits, and stops at `wanted` bits; otherwise both legs generate for the whole slot, and what comes after
    `wanted` bits is discarded (expired). trace (2,): sums over the use times and Werner parameters.
    """
    born = np.zeros((2, slots + 1), np.int64)
    stock, generated, used = np.zeros(2, np.int64), np.zeros(2, np.int64), np.zeros(2, np.int64)
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
            for a in range(stock[expiring] - 1):
                born[expiring, a] = born[expiring, a + 1]
            stock[expiring] -= 1
            if stock[expiring] == limit - 1:
                clock[expiring] = max(clock[expiring], expiry)
            continue
        period, modes = int(legs[chosen, 0]), int(legs[chosen, 1])
        born[chosen, stock[chosen]] = at - period
        stock[chosen] += 1
        generated[chosen] += 1
        clock[chosen], skip[chosen] = at, failures_before_success(rng, legs[chosen, 2])
        if stock[0] == 0 or (number == 2 and stock[1] == 0):
            continue
        werner = 1.0 if number == 1 else swap_werner
        counted = bits < wanted
        for g in range(number):
            decay = np.exp(-(at - born[g, 0]) * 2.0 * PICOSECOND / legs[g, 4])
            werner *= (4.0 * legs[g, 3] - 1.0) / 3.0 * decay
            for a in range(stock[g] - 1):
                born[g, a] = born[g, a + 1]
            stock[g] -= 1
            used[g] += 1 if counted else 0
            if stock[g] == limit - 1:
                clock[g] = max(clock[g], at)
        if counted:
            bits += key_bits_per_pair(werner)
            trace[0] += at - start
            trace[1] += werner
    for g in range(number):
        row = counts if g == 0 else leg_counts
        row[GENERATED] += generated[g]
        row[USED] += used[g]
        row[EXPIRED] += generated[g] - used[g]
    return bits
