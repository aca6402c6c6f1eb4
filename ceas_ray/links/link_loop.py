"""The life of a link's pairs as compiled loops: tens of nanoseconds a pair, never an event an attempt.

Attempts are a sequence of independent trials, one per mode; how many fail before the next success is drawn at once
(geometric), so that the n-th trial's outcome does not depend on the policy. A pair is emitted at the start of its
attempt, heralded and usable at its end, and ages from emission. Times are picoseconds (int64).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from ceas_ray.kernel.time import FOREVER

GENERATED, USED, LATE, EXPIRED, SACRIFICED = range(5)
TRAINING, AUTHENTICATION, TESTING = range(3)
_PICOSECOND = 1e-12
_compiled: dict[str, Any] = {
    "cache": True,
    "nogil": True,
    "error_model": "numpy",
    "fastmath": {"contract", "nsz"},
}


@njit(**_compiled)
def failures_before_success(rng, success):  # type: ignore[no-untyped-def]
    """How many trials fail before the next one that succeeds (inverse of the geometric distribution)."""
    if success >= 1.0:
        return 0
    return int(np.log(1.0 - rng.random()) / np.log(1.0 - success))


@njit(**_compiled)
def run_shots(  # type: ignore[no-untyped-def]
    rng, period, modes, success, latency, birth, coherence, useful_age, swap_werner,
    start, releases, is_test, pairs, deadline, gap_limit, burst_limit, demand_driven,
    counts, on_time, shot_werner, tested, errors, events,
):  # fmt: skip
    """Serve the shots of one plan from the link's stock, oldest pairs first.

    birth: Bell-diagonal weights at emission (4,). A shot executes at the end of its window [release, release +
    deadline], as soon as corrections (which take L / c) can still arrive within it, if `pairs` pairs are in stock that
    are younger than `useful_age`; otherwise it spends nothing and is not on time. Fills counts (3 uses, 5 columns),
    on_time (shots,), shot_werner (shots, pairs), tested and errors per basis X, Y, Z (3,), and events (shots, 2): time
    of execution and fidelity sum. Returns the number of pairs left in stock.
    """
    slots = max(gap_limit, burst_limit)
    born = np.zeros(slots + 1, np.int64)
    stock, shots = 0, len(releases)
    rate = 2.0 * _PICOSECOND / coherence
    now = start  # attempts before `now` are done
    skip = failures_before_success(rng, success)
    remaining = 0
    for i in range(shots):
        if remaining == 0:
            remaining = 1
            while i + remaining < shots and releases[i + remaining] - releases[i + remaining - 1] <= deadline:
                remaining += 1
        opens = start + releases[i]
        executes = opens + deadline - latency
        for stage in range(2):
            until = opens if stage == 0 else executes
            limit = gap_limit if stage == 0 else burst_limit
            if stage == 1 and demand_driven:
                limit = min(limit, remaining * pairs)
            # attempts run from `now`; the pair of an attempt that begins at t is usable at t + period
            while True:
                kept = 0
                for a in range(stock):
                    if now - born[a] < useful_age:
                        born[kept] = born[a]
                        kept += 1
                stock = kept
                if stock >= limit:  # wait until the oldest pair expires
                    resume = born[0] + useful_age if stock > 0 else until
                    if resume >= until:
                        break
                    now += ((resume - now + period - 1) // period) * period
                    continue
                at = now + (skip // modes) * period
                # while it waits for success nothing changes but ages, which only lower the stock further
                if at + period > until:
                    attempts = max(0, (until - now) // period)
                    skip -= attempts * modes
                    now += attempts * period
                    break
                skip = skip % modes
                now = at
                left = modes
                while skip < left and stock < limit:  # all successes within this attempt
                    left -= skip + 1
                    born[stock] = now
                    stock += 1
                    counts[TRAINING, GENERATED] += 1
                    skip = failures_before_success(rng, success)
                if stock < limit:
                    skip -= left
                now += period
            if now < until:
                now += ((until - now) // period) * period
        remaining -= 1
        kept = 0
        for a in range(stock):
            if executes - born[a] < useful_age:
                born[kept] = born[a]
                kept += 1
        stock = kept
        on_time[i] = False
        events[i, 0], events[i, 1] = executes, 0.0
        if stock < pairs:
            continue
        late = latency > deadline
        use = TESTING if is_test[i] else TRAINING
        for a in range(pairs):
            left_over = np.exp(-(executes - born[a]) * rate)
            fidelity = 0.25 + (birth[0] - 0.25) * left_over
            shot_werner[i, a] = swap_werner * (4.0 * fidelity - 1.0) / 3.0
            events[i, 1] += fidelity
            if use == TESTING:
                basis = int(rng.random() * 3.0)
                # parity flips: X by Psi-, Phi-; Y by Phi-, Psi+ (relative to Phi+'s own sign); Z by Psi-, Psi+
                wrong = (
                    birth[1] + birth[3] if basis == 0 else (birth[2] + birth[3] if basis == 1 else birth[1] + birth[2])
                )
                wrong = 0.5 + (wrong - 0.5) * left_over * swap_werner
                tested[basis] += 1
                errors[basis] += 1 if rng.random() < wrong else 0
        if use == TESTING:  # every pair was generated for shots; a test takes it over
            counts[TRAINING, GENERATED] -= pairs
            counts[TESTING, GENERATED] += pairs
        counts[use, LATE if late else USED] += pairs
        on_time[i] = not late
        for a in range(stock - pairs):
            born[a] = born[a + pairs]
        stock -= pairs
    row = counts[TRAINING]
    row[EXPIRED] = row[GENERATED] - row[USED] - row[LATE] - row[SACRIFICED] - stock
    return stock


@njit(**_compiled)
def key_bits_per_pair(werner):  # type: ignore[no-untyped-def]
    """Asymptotic BBM92 bits of one sifted pair, max(0, 1 - 2 h((1 - w) / 2))."""
    e = (1.0 - werner) / 2.0
    if e <= 0.0:
        return 1.0
    return max(0.0, 1.0 + 2.0 * (e * np.log2(e) + (1.0 - e) * np.log2(1.0 - e)))


@njit(**_compiled)
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
            decay = np.exp(-(at - born[g, 0]) * 2.0 * _PICOSECOND / legs[g, 4])
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
