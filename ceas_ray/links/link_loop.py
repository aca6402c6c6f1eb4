"""The life of a link's pairs as compiled loops: tens of nanoseconds a pair, never an event an attempt.

Attempts are a sequence of independent trials, one per mode; how many fail before the next success is drawn at once
(geometric), so that the n-th trial's outcome does not depend on the policy. A pair is emitted at the start of its
attempt, heralded and usable at its end, and ages from emission. Times are picoseconds (int64).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit

from ceas_ray.kernel.time import FOREVER
from ceas_ray.messages.pair_books import EXPIRED, GENERATED, LATE, TESTING, TRAINING, USED
from ceas_ray.messages.payloads import BirthTables, GeneratePairs, StockPolicy
from ceas_ray.network.link_parameters import LinkParameters
from ceas_ray.quantum.pair_physics import correlations_of_weights
from ceas_ray.scheduling.perishable_chain import max_stock, state_number, stock_states

PICOSECOND = 1e-12
_NO_TABLES = BirthTables(
    gap_births=np.zeros((0, 0, 0), np.uint8),
    burst_births=np.zeros((0, 0, 0), np.uint8),
    second_share=0.0,
    gap_slots=1,
    gap_stock=0,
    classes=1,
)
COMPILED: dict[str, Any] = {
    "cache": True,
    "nogil": True,
    "error_model": "numpy",
    "fastmath": {"contract", "nsz"},
}


class LinkModel(NamedTuple):
    """A link as the compiled loops see it. Times in ps, rates in 1/s.

    success: of each of `modes` trials of an attempt. xx, yy, zz: correlations of a pair at emission, signed such that
    they are 1 for Phi+ (fidelity = (1 + xx + yy + zz) / 4). A pair of age t has xx exp(-rate_x t), yy exp(-rate_y t)
    and zz exp(-rate_z t) + (1 - exp(-damping_first t)) (1 - exp(-damping_second t)). attempt_dephasing: what every
    attempt made meanwhile leaves of xx and yy. swap_werner: what a Bell measurement leaves of all three.
    """

    attempt_period: int
    modes: int
    success: float
    latency: int
    xx: float
    yy: float
    zz: float
    rate_x: float
    rate_y: float
    rate_z: float
    damping_first: float
    damping_second: float
    attempt_dephasing: float
    swap_werner: float


class ShotDemand(NamedTuple):
    """Shots to serve from time `start` on: releases (shots,) after it, ascending, `burst` of them in each burst; which
    of them are tests (shots,). Each needs `pairs` pairs younger than `useful_age`, at most `deadline`
    after its release. slot: the time between the shots of a burst."""

    start: int
    releases: Any
    is_test: Any
    pairs: int
    deadline: int
    useful_age: int
    slot: int
    burst: int


class StockRule(NamedTuple):
    """A stock policy as the loops see it: see `StockPolicy` and `BirthTables`; no tables: the limits hold.

    gap_counts, burst_counts: what `state_number` needs of either chain.
    """

    slots: int
    gap_limit: int
    burst_limit: int
    demand_driven: bool
    freshest_first: bool
    clairvoyant: bool
    gap_births: Any
    burst_births: Any
    second_share: float
    gap_slots: int
    gap_counts: Any
    burst_counts: Any


def _read_only(array: Any) -> Any:
    """Arrays of messages are read-only; with all of them so, a loop is compiled once."""
    view = np.ascontiguousarray(array).view()
    view.setflags(write=False)
    return view


def shot_demand(plan: GeneratePairs) -> ShotDemand:
    """The shots of a plan."""
    return ShotDemand(
        plan.starts_at, _read_only(plan.releases), _read_only(plan.is_test), plan.pairs_per_shot, plan.shot_deadline,
        plan.useful_age, plan.shot_period, plan.burst_shots,
    )  # fmt: skip


def link_model(link: LinkParameters, swap_werner: float) -> LinkModel:
    """A link of these parameters."""
    xx, yy, zz = map(float, correlations_of_weights(*link.birth_weights()))
    start, end = link.decay
    return LinkModel(
        link.attempt_period, link.modes, link.success_probability, link.latency, xx, yy, zz,
        start.x + end.x, start.y + end.y, start.z + end.z, start.damping, end.damping,
        1.0 - link.attempt_dephasing, swap_werner,
    )  # fmt: skip


def stock_rule(policy: StockPolicy, slots: int) -> StockRule:
    """A policy for a link with so many memory slots."""
    tables = policy.tables or _NO_TABLES
    classes = tables.classes - 1
    return StockRule(
        slots, policy.gap_limit, policy.burst_limit, policy.demand_driven, policy.freshest_first, policy.clairvoyant,
        _read_only(tables.gap_births), _read_only(tables.burst_births), tables.second_share, tables.gap_slots,
        stock_states(tables.gap_stock, classes * tables.gap_slots)[1],
        stock_states(min(slots, max_stock(tables.burst_births.shape[-1], classes)), classes)[1],
    )  # fmt: skip


class ShotBooks(NamedTuple):
    """What `run_shots` fills: counts (3 uses, 5 columns), on_time (shots,), werner (shots, pairs): the Werner parameter
    of each pair that a shot spent (twirled), tested and errors per basis X, Y, Z (3,), events (shots, 2): time of
    execution and the sum of fidelities."""

    counts: Any
    on_time: Any
    werner: Any
    tested: Any
    errors: Any
    events: Any


@njit(**COMPILED)
def failures_before_success(rng, success):  # type: ignore[no-untyped-def]
    """How many trials fail before the next one that succeeds (inverse of the geometric distribution)."""
    if success >= 1.0:
        return 0
    return int(np.log(1.0 - rng.random()) / np.log(1.0 - success))


@njit(**COMPILED)
def emissions(rng, link, start, until):  # type: ignore[no-untyped-def]
    """When the attempts begin that would succeed, made or not, one entry a pair; those that are over by `until`.

    The outcome of an attempt depends on its time alone: all schedulers meet the same draws.
    """
    trials = (until - start) // link.attempt_period * link.modes
    room = int(trials * link.success + 8.0 * np.sqrt(trials * link.success) + 16.0)
    found = np.empty(room, np.int64)
    count, trial = 0, failures_before_success(rng, link.success)
    while trial < trials:
        if count == room:
            room *= 2
            longer = np.empty(room, np.int64)
            longer[:count] = found
            found = longer
        found[count] = start + trial // link.modes * link.attempt_period
        count += 1
        trial += 1 + failures_before_success(rng, link.success)
    return found[:count]


@njit(**COMPILED)
def foreseen(emitted, demand, link):  # type: ignore[no-untyped-def]
    """Return which pairs a scheduler keeps which knows all outcomes, bool (pairs,): no choice serves more shots, and
    nothing is wasted but what the attempts that herald these pairs herald beyond them.

    Shots are taken in order and get the oldest pairs that are free; windows begin and end in the same order, so by
    exchange no other choice serves more. Memory is not counted: where slots are short this is a bound.
    """
    kept = np.zeros(len(emitted), np.bool_)
    taken = np.zeros(len(emitted), np.bool_)
    first = 0
    for i in range(len(demand.releases)):
        executes = demand.start + demand.releases[i] + demand.deadline - link.latency
        while first < len(emitted) and executes - emitted[first] >= demand.useful_age:
            first += 1
        free, last = 0, first
        while last < len(emitted) and emitted[last] + link.attempt_period <= executes and free < demand.pairs:
            free += not taken[last]
            last += 1
        if free == demand.pairs:
            for e in range(first, last):
                taken[e] = True
                kept[e] = True
    return kept


@njit(**COMPILED)
def of_attempts_with(kept, emitted):  # type: ignore[no-untyped-def]
    """Return which pairs come of the attempts that herald a kept one, bool (pairs,)."""
    made = kept.copy()
    for e in range(1, len(emitted)):
        made[e] = made[e] or (made[e - 1] and emitted[e] == emitted[e - 1])
    for e in range(len(emitted) - 2, -1, -1):
        made[e] = made[e] or (made[e + 1] and emitted[e] == emitted[e + 1])
    return made


@njit(**COMPILED)
def correlations_at(link, age, attempts):  # type: ignore[no-untyped-def]
    """xx, yy, zz of a pair of this age (ps) after so many attempts beside it."""
    t = age * PICOSECOND
    kept = link.attempt_dephasing**attempts if link.attempt_dephasing < 1.0 else 1.0
    xx = link.xx * kept * np.exp(-link.rate_x * t)
    yy, zz = xx, xx
    if link.rate_y != link.rate_x or link.yy != link.xx:
        yy = link.yy * kept * np.exp(-link.rate_y * t)
    if link.rate_z != link.rate_x or link.zz != link.xx or kept < 1.0:
        zz = link.zz * np.exp(-link.rate_z * t)
    if link.damping_first > 0.0 and link.damping_second > 0.0:
        zz += (1.0 - np.exp(-link.damping_first * t)) * (1.0 - np.exp(-link.damping_second * t))
    return xx, yy, zz


@njit(**COMPILED)
def stock_number(rule, demand, born, head, stock, begins, ends, in_burst):  # type: ignore[no-untyped-def]
    """The state of the chain at the start of a slot (`perishable_chain`): pairs by age, -1 if it has none like that."""
    counts = rule.burst_counts if in_burst else rule.gap_counts
    by_age = np.zeros(counts.shape[0] - 1, np.int64)
    held = 0
    for a in range(stock):
        emitted = born[(head + a) % len(born)]
        lived = (
            (ends - emitted - 1) // demand.slot - 1
            if in_burst
            else ((begins - emitted - 1) * rule.gap_slots // demand.slot)
        )
        lived = max(0, lived)
        if ends - emitted < demand.useful_age and lived < len(by_age):
            by_age[lived] += 1
            held += 1
    return state_number(by_age, counts) if held <= counts.shape[1] - 2 else -1


@njit(**COMPILED)
def limits(rule, demand, variant, number, in_burst, left):  # type: ignore[no-untyped-def]
    """How many pairs may be in stock during a slot, and how many may be born in it.

    left: shots of the burst, or slots of the gap, to come."""
    if len(rule.burst_births) == 0:
        if not in_burst:
            return rule.gap_limit, FOREVER
        return (min(rule.burst_limit, left * demand.pairs) if rule.demand_driven else rule.burst_limit), FOREVER
    if number < 0:
        return rule.slots, 0
    table = rule.burst_births[variant] if in_burst else rule.gap_births[variant]
    return rule.slots, int(table[min(len(table), left) - 1, number])


@njit(**COMPILED)
def run_shots(rng, link, demand, rule, books):  # type: ignore[no-untyped-def]
    """Serve the shots of one plan from the link's stock. Returns the number of pairs left in stock.

    A shot executes at the end of its window, as soon as corrections (which take L / c) can still arrive within it, if
    enough pairs are in stock that are useful; otherwise it spends nothing and is not on time. An attempt is made where
    the stock, when it begins, is below the rule's limit. All pairs that a made attempt heralds are generated; those
    that find no memory slot expire at once.
    """
    shots, period = len(demand.releases), link.attempt_period
    emitted = emissions(rng, link, demand.start, demand.start + demand.releases[shots - 1] + demand.deadline)
    is_kept = np.ones(len(emitted), np.bool_)
    if rule.clairvoyant:
        is_kept = foreseen(emitted, demand, link)
        of_made = of_attempts_with(is_kept, emitted)
        emitted, is_kept = emitted[of_made], is_kept[of_made]
    size = rule.slots + 1
    born, attempts_at_birth = np.zeros(size, np.int64), np.zeros(size, np.int64)
    head, stock, attempts, made_at = 0, 0, 0, -1
    made = books.counts[TRAINING]
    now, coming, left, variant, on = demand.start, 0, 0, 0, False
    tabled = len(rule.burst_births) > 0
    for i in range(shots):
        opens = demand.start + demand.releases[i]
        executes = opens + demand.deadline - link.latency
        first = left == 0
        if first:
            variant = 1 if rule.second_share > 0.0 and rng.random() < rule.second_share else 0
            left = min(demand.burst, shots - i)
        gap_slots, length = 0, demand.slot // rule.gap_slots
        if first and opens > now:
            gap_slots = -((now - opens) // length) if tabled else 1
        for part in range(gap_slots + 1):
            in_burst, begins = part == gap_slots, now
            if in_burst:
                until = executes
            elif tabled and len(rule.gap_births[0]) > 1:  # a known gap: its slots are counted back from the burst
                until = opens - (gap_slots - part - 1) * length
            else:
                until = min(opens, now + length) if tabled else opens
            ends = until if in_burst else begins + demand.slot
            to_come = left if in_burst else gap_slots - part
            was_on = on
            number = stock_number(rule, demand, born, head, stock, begins, ends, in_burst) if tabled else 0
            limit, births = limits(rule, demand, variant, number, in_burst, to_come)
            while True:
                at = emitted[coming] if coming < len(emitted) else FOREVER
                over = at > until - period
                turn = until if over else at
                if link.attempt_dephasing < 1.0 and turn > now and births > 0 and limit > 0:
                    resumes = now if stock < limit else born[(head + stock - limit) % size] + demand.useful_age
                    attempts += max(0, turn - max(now, resumes)) // period
                now = max(now, turn)
                while stock > 0 and turn - born[head] >= demand.useful_age:
                    head, stock = (head + 1) % size, stock - 1
                    made[EXPIRED] += 1
                on = stock < limit and births > 0
                if over:
                    break
                coming += 1
                if at != made_at and not (was_on if at < begins else on):  # made before this slot began, or in it
                    continue
                made_at = at
                births -= 1
                made[GENERATED] += 1
                if stock == rule.slots or not is_kept[coming - 1]:
                    made[EXPIRED] += 1
                    continue
                place = (head + stock) % size
                born[place], attempts_at_birth[place] = at, attempts
                stock += 1
        left -= 1
        books.on_time[i] = stock >= demand.pairs and link.latency <= demand.deadline
        books.events[i, 0], books.events[i, 1] = executes, 0.0
        if stock < demand.pairs:
            continue
        use = TESTING if demand.is_test[i] else TRAINING
        oldest = stock - demand.pairs if rule.freshest_first else 0
        for a in range(demand.pairs):
            place = (head + oldest + a) % size
            xx, yy, zz = correlations_at(link, executes - born[place], attempts - attempts_at_birth[place])
            books.events[i, 1] += (1.0 + xx + yy + zz) / 4.0
            books.werner[i, a] = link.swap_werner * (xx + yy + zz) / 3.0
            if use == TESTING:
                basis = int(rng.random() * 3.0)
                kept = xx if basis == 0 else (yy if basis == 1 else zz)
                books.tested[basis] += 1
                books.errors[basis] += rng.random() < (1.0 - kept * link.swap_werner) / 2.0
        if use == TESTING:  # every pair was generated for shots; a test takes it over
            made[GENERATED] -= demand.pairs
            books.counts[TESTING, GENERATED] += demand.pairs
        books.counts[use, USED if books.on_time[i] else LATE] += demand.pairs
        if not rule.freshest_first:
            head = (head + demand.pairs) % size
        stock -= demand.pairs
    return stock
