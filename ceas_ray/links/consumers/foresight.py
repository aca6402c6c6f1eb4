"""The pairs that a scheduler makes if it knows the outcomes of all attempts."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ceas_ray.kernel.compiled_code import COMPILED, COMPILED_PART, njit
from ceas_ray.links.engine.draws import failures_before_success
from ceas_ray.links.engine.segments import route_latency
from ceas_ray.links.engine.state import LISTED, leg_of, route_at, source_of


class _Heralds(NamedTuple):
    """The attempts of one leg that herald pairs, (heralds,) each: its number among all attempts of the leg, from 0 on;
    how many pairs it heralds; when they are emitted; how many of them are kept."""

    attempt: Any
    pairs: Any
    emitted: Any
    kept: Any


class _Progress(NamedTuple):
    """The progress of every leg, (N,) each: heralds and attempts made, when the next attempt may begin, the number of
    spare pairs, and the herald that these came from.
    """

    heralds: Any
    attempts: Any
    free_at: Any
    spare: Any
    spare_of: Any


class _Shot(NamedTuple):
    """What a shot needs of every leg: pairs that are emitted from `opens` on and heralded by `closes`.

    served: shots before it that get their pairs; served_at: when.
    """

    pairs: int
    opens: int
    closes: int
    served: int
    served_at: Any


@njit(**COMPILED)
def foresee(address, demand):  # type: ignore[no-untyped-def]
    """Return the pairs of every leg that are to be made, LISTED (pairs,), by a scheduler that knows all outcomes.

    The n-th attempt of a leg has its outcome whenever it is made, so the scheduler chooses when. Attempts that fail are
    made as early as possible. One that heralds pairs waits until they will be young enough for the next shot, and until
    there is memory for them. Where a shot would lack pairs, as few heralds as possible are passed over: made early, and
    their pairs expire at once. Shots are served in order; nothing is made for one that cannot be served.

    Swaps must not fail and pairs not be purified; least fidelities are not counted.
    """
    route = route_at(address)
    number, shots, latency = route.number, len(demand.releases), route_latency(route)
    until = demand.start + demand.releases[shots - 1] + demand.deadline + demand.offset
    heralds, begins = _all_heralds(route, demand.start, until)
    of_legs, free_at = np.zeros((4, number), np.int64), np.full(number, demand.start)
    progress = _Progress(begins[:-1].copy(), of_legs[0], free_at, of_legs[1], of_legs[2])
    passed_over, served_at, served = of_legs[3], np.zeros(shots, np.int64), 0
    news = latency if number > 1 and route.corrected else 0
    for i in range(shots):
        opens = demand.start + demand.releases[i]
        executes = max(opens, opens + demand.deadline - latency) + demand.offset
        shot = _Shot(demand.pairs, executes - route.useful_age, executes - news, served, served_at)
        every_leg = True
        for g in range(number):
            passed_over[g] = _fewest_passed_over(route, heralds, begins[g + 1], progress, shot, g)
            every_leg = every_leg and passed_over[g] >= 0
        if every_leg:
            for g in range(number):
                _make(route, heralds, begins[g + 1], progress, shot, g, passed_over[g], True)
            served_at[served] = executes
            served += 1
    return _listed(route, heralds, begins, progress)


@njit(**COMPILED_PART)
def _fewest_passed_over(route, heralds, end, progress, shot, g):  # type: ignore[no-untyped-def]
    """Return the least number of heralds of leg g that must be passed over for a shot to have its pairs; -1 if no
    number will do.
    """
    first, period = progress.heralds[g], leg_of(route, g).attempt_period
    for passed_over in range(end - first + 1):
        if _make(route, heralds, end, progress, shot, g, passed_over, False):
            return passed_over
        if first + passed_over < end:
            attempts = heralds.attempt[first + passed_over] + 1 - progress.attempts[g]
            if progress.free_at[g] + attempts * period > shot.closes:
                break
    return -1


@njit(**COMPILED_PART)
def _make(route, heralds, end, progress, shot, g, passed_over, really):  # type: ignore[no-untyped-def]
    """Make the pairs of leg g for a shot, or find out whether that is possible; return whether it is."""
    period, needed = leg_of(route, g).attempt_period, shot.pairs
    herald, attempts, free_at = progress.heralds[g], progress.attempts[g], progress.free_at[g]
    if progress.spare[g] > 0 and heralds.emitted[progress.spare_of[g]] >= shot.opens:
        taken = min(needed, progress.spare[g])
        needed -= taken
        if really:
            progress.spare[g] -= taken
            heralds.kept[progress.spare_of[g]] += taken
    while needed > 0:
        if herald == end:
            return False
        emitted, taken = free_at + (heralds.attempt[herald] - attempts) * period, 0
        if passed_over > 0:
            passed_over -= 1
        else:
            taken = min(needed, heralds.pairs[herald])
            emitted = max(emitted, shot.opens, _room_at(route, shot, needed - taken) - period)
        if emitted + period > shot.closes:
            return False
        if really:
            heralds.emitted[herald], heralds.kept[herald] = emitted, taken
            room = _room(route, shot, needed - taken, emitted + period) if taken > 0 else 0
            progress.spare[g], progress.spare_of[g] = min(heralds.pairs[herald] - taken, room), herald
        needed -= taken
        free_at, attempts, herald = emitted + period, heralds.attempt[herald] + 1, herald + 1
    if really:
        progress.heralds[g], progress.attempts[g], progress.free_at[g] = herald, attempts, free_at
    return True


@njit(**COMPILED_PART)
def _room_at(route, shot, missing):  # type: ignore[no-untyped-def]
    """Return the time from which memory holds all pairs of the earlier shots and all but `missing` of this one."""
    beyond = (shot.served + 1) * shot.pairs - missing - route.slots
    return shot.served_at[-(-beyond // shot.pairs) - 1] + 1 if beyond > 0 else 0


@njit(**COMPILED_PART)
def _room(route, shot, missing, at):  # type: ignore[no-untyped-def]
    """Return how many more pairs memory holds at a time than those of the shots until this one but `missing`."""
    executed = shot.served
    while executed > 0 and shot.served_at[executed - 1] >= at:
        executed -= 1
    return route.slots - (shot.served + 1 - executed) * shot.pairs + missing


# --- the lists ----------------------------------------------------------


@njit(**COMPILED_PART)
def _all_heralds(route, start, until):  # type: ignore[no-untyped-def]
    """Return the heralds among all attempts that could be made by then, leg after leg, and where every leg begins.

    The draws are those of `advance`.
    """
    begins = np.zeros(route.number + 1, np.int64)
    found = np.zeros((2, 64), np.int64)
    count = 0
    for g in range(route.number):
        source, leg = source_of(route, g), leg_of(route, g)
        trials = (until - start) // leg.attempt_period * leg.modes
        trial = failures_before_success(source, leg.inverse_log_failure)
        while trial < trials:
            attempt = trial // leg.modes
            if count > begins[g] and found[0, count - 1] == attempt:
                found[1, count - 1] += 1
            else:
                if count == found.shape[1]:
                    longer = np.zeros((2, 2 * count), np.int64)
                    longer[:, :count] = found
                    found = longer
                found[0, count], found[1, count] = attempt, 1
                count += 1
            trial += 1 + failures_before_success(source, leg.inverse_log_failure)
        begins[g + 1] = count
    made = np.zeros((2, count), np.int64)
    return _Heralds(found[0, :count], found[1, :count], made[0], made[1]), begins


@njit(**COMPILED_PART)
def _listed(route, heralds, begins, progress):  # type: ignore[no-untyped-def]
    """List the pairs of the heralds that are made, leg after leg."""
    count = 0
    for g in range(route.number):
        count += np.sum(heralds.pairs[begins[g] : progress.heralds[g]])
    listed = np.zeros(count, LISTED)
    count = 0
    for g in range(route.number):
        source = source_of(route, g)
        source.listed, source.resting = count, 0
        for herald in range(begins[g], progress.heralds[g]):
            for pair in range(heralds.pairs[herald]):
                listed[count].emitted, listed[count].kept = heralds.emitted[herald], pair < heralds.kept[herald]
                listed[count].attempts = heralds.attempt[herald] + 1
                count += 1
        source.listed_to = count
    return listed
