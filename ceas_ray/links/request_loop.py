"""Requests for single pairs on a link, as one compiled loop."""

from __future__ import annotations

import numpy as np
from numba import njit

from ceas_ray.kernel.time import FOREVER
from ceas_ray.links.link_loop import COMPILED, correlations_at
from ceas_ray.messages.pair_books import EXPIRED, GENERATED, USED


@njit(**COMPILED)
def _failures(rng, inverse):  # type: ignore[no-untyped-def]
    """How many trials fail before one succeeds; inverse: 1 / log(1 - success)."""
    return int(np.log(1.0 - rng.random()) * inverse)


@njit(**COMPILED)
def run_requests(rng, link, length, mean_wait, useful_age, slots, counts, sums):  # type: ignore[no-untyped-def]
    """Serve requests for single pairs, Poisson with mean distance `mean_wait` (ps), for `length` ps; the oldest first.

    A request that finds no pair is lost. While a memory slot is free the link attempts; a memory that is freed starts a
    new attempt at once. Of the pairs that an attempt heralds those without a free slot expire at once. Fills counts
    (5 columns) and sums (5,): requests, requests served, the sums of use times and of fidelities at use, attempts.
    Returns the number of pairs in stock at the end.

    Both processes forget, so what need not be known is not drawn: requests are drawn from the birth of a pair on, and
    those lost while the stock is empty are one Poisson draw for all such times together.
    """
    born = np.zeros(slots + 1, np.int64)
    period = link.attempt_period
    inverse = 1.0 / np.log(1.0 - link.success) if link.success < 1.0 else 0.0
    head, stock, emptied, empty = 0, 0, 0, 0
    generated, used, expired, attempts_made, use_times, fidelities = 0, 0, 0, 0, 0.0, 0.0
    modes, failures = link.modes, _failures(rng, inverse)
    attempts = failures // modes + 1
    birth, request = attempts * period, FOREVER
    while True:
        if stock == 0:  # nothing else can happen
            if birth >= length:
                break
            empty += birth - emptied
            request = birth + int(-mean_wait * np.log(1.0 - rng.random()))
        if stock == 0 or (stock < slots and birth <= min(request, born[head] + useful_age)):
            if birth >= length:
                break
            mode = failures % modes
            while mode < modes:  # all pairs that this attempt heralds
                generated += 1
                if stock < slots:
                    end = head + stock
                    born[end if end <= slots else end - slots - 1] = birth - period
                    stock += 1
                else:
                    expired += 1
                mode += 1 + _failures(rng, inverse)
            attempts_made += attempts
            failures = mode - modes
            attempts = failures // modes + 1
            birth += attempts * period
            if stock < slots:
                continue
        at = min(request, born[head] + useful_age)
        if at >= length:
            break
        if stock == slots:  # a memory is freed
            birth = at + attempts * period
        if at == request:
            xx, yy, zz = correlations_at(link, at - born[head], 0)
            used += 1
            use_times += at
            fidelities += (1.0 + xx + yy + zz) / 4.0
            request = at + int(-mean_wait * np.log(1.0 - rng.random()))
        else:
            expired += 1
        head = head + 1 if head < slots else 0
        stock -= 1
        if stock == 0:
            request, emptied = FOREVER, at
    if stock == 0:
        empty += length - emptied
    counts[GENERATED] += generated
    counts[USED] += used
    counts[EXPIRED] += expired
    sums[0] += used + rng.poisson(empty / mean_wait)
    sums[1] += used
    sums[2] += use_times
    sums[3] += fidelities
    sums[4] += attempts_made
    return stock
