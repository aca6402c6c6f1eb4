"""What a scheduler makes that knows the outcomes of all attempts."""

from __future__ import annotations

import numpy as np

from ceas_ray.kernel.compiled_code import COMPILED, COMPILED_PART, njit
from ceas_ray.links.engine.draws import failures_before_success
from ceas_ray.links.engine.segments import route_latency
from ceas_ray.links.engine.state import LISTED, leg_of, route_at, source_of


@njit(**COMPILED_PART)
def emissions(source, leg, start, until):  # type: ignore[no-untyped-def]
    """When the attempts of a leg that never rests begin that succeed, one entry a pair; those that are over by `until`.

    The draws are those of `advance`.
    """
    trials = (until - start) // leg.attempt_period * leg.modes
    found = np.empty(64, np.int64)
    count, trial = 0, failures_before_success(source, leg.inverse_log_failure)
    while trial < trials:
        if count == len(found):
            longer = np.empty(2 * count, np.int64)
            longer[:count] = found
            found = longer
        found[count] = start + trial // leg.modes * leg.attempt_period
        count += 1
        trial += 1 + failures_before_success(source, leg.inverse_log_failure)
    return found[:count]


@njit(**COMPILED)
def foresee(address, demand):  # type: ignore[no-untyped-def]
    """Return the pairs of every leg that are to be made, LISTED (pairs,): on one link no choice serves more shots, and
    nothing is wasted but what the attempts that herald kept pairs herald beyond them.

    Shots are taken in order and get of every leg the oldest pairs that are free; windows begin and end in the same
    order, so by exchange no other choice serves more. Swaps must not fail and pairs not be purified. Memory is not
    counted, nor least fidelities: where these matter this is no more than a good choice.
    """
    route = route_at(address)
    number, latency, last = route.number, route_latency(route), len(demand.releases) - 1
    until = demand.start + demand.releases[last] + demand.deadline + demand.offset
    begins = np.zeros(number + 1, np.int64)
    emitted = np.zeros(0, np.int64)
    for g in range(number):
        emitted = np.append(emitted, emissions(source_of(route, g), leg_of(route, g), demand.start, until))
        begins[g + 1] = len(emitted)
    kept = np.zeros(len(emitted), np.bool_)
    first, reach = begins[:-1].copy(), begins[:-1].copy()
    news = latency if number > 1 and route.corrected else 0
    for i in range(len(demand.releases)):
        opens = demand.start + demand.releases[i]
        executes = max(opens, opens + demand.deadline - latency) + demand.offset
        served = True
        for g in range(number):
            heralded = executes - leg_of(route, g).attempt_period - news
            while first[g] < begins[g + 1] and executes - emitted[first[g]] > route.useful_age:
                first[g] += 1
            free, reach[g] = 0, first[g]
            while reach[g] < begins[g + 1] and emitted[reach[g]] <= heralded and free < demand.pairs:
                free += not kept[reach[g]]
                reach[g] += 1
            served = served and free == demand.pairs
        for g in range(number if served else 0):
            kept[first[g] : reach[g]] = True
    return _listed(route, emitted, kept, begins)


@njit(**COMPILED_PART)
def _listed(route, emitted, kept, begins):  # type: ignore[no-untyped-def]
    """Of all pairs those that come of an attempt with a kept one, leg after leg."""
    listed = np.zeros(len(emitted), LISTED)
    count = 0
    for g in range(len(begins) - 1):
        source = source_of(route, g)
        source.listed, source.resting = count, 0
        made = _of_attempts_with(kept[begins[g] : begins[g + 1]], emitted[begins[g] : begins[g + 1]])
        for e in range(len(made)):
            if made[e]:
                listed[count].emitted, listed[count].kept = emitted[begins[g] + e], kept[begins[g] + e]
                count += 1
        source.listed_to = count
    return listed


@njit(**COMPILED_PART)
def _of_attempts_with(kept, emitted):  # type: ignore[no-untyped-def]
    """Return which pairs come of the attempts that herald a kept one, bool (pairs,)."""
    made = kept.copy()
    for e in range(1, len(emitted)):
        made[e] = made[e] or (made[e - 1] and emitted[e] == emitted[e - 1])
    for e in range(len(emitted) - 2, -1, -1):
        made[e] = made[e] or (made[e + 1] and emitted[e] == emitted[e + 1])
    return made
