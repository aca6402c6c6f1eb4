"""Links that share a hub's channels: one loop over the group, because who may attempt depends on all.

Time runs in allocation slots. In each, a link *asks* for a channel if its policy would let it generate; the hub drives
at most `channels` of those that ask, by priority. Everything else is as in `link_loop.run_shots`, attempts in their
slots. All releases and deadlines must be whole numbers of allocation slots.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit

from ceas_ray.links.link_loop import COMPILED, correlations_at, emissions, limits, stock_number
from ceas_ray.messages.pair_books import EXPIRED, GENERATED, TRAINING, USED


class SharedBooks(NamedTuple):
    """counts (links, 3, 5), on_time (links, shots), werner_sum (links,): over the pairs used; asked, driven: channel
    slots asked for and granted in all, (1,) each."""

    counts: Any
    on_time: Any
    werner_sum: Any
    asked: Any
    driven: Any


@njit(**COMPILED)
def run_shared_shots(  # type: ignore[no-untyped-def]
    rngs, links, demands, rules, gap_gain, burst_gain, slot, channels, books
):
    """Serve the shots of all links; as many shots for each. Returns the pairs left in stock, int64 (links,).

    rngs, links, demands, rules: one a link, as of `run_shots`. gap_gain, burst_gain (links, policies, phases, states):
    what generating in a slot is worth, for the priority; empty where limits hold: then links in a
    burst come first, and the hub goes round.
    """
    number, shots = len(links), len(demands[0].releases)
    size = rules[0].slots + 1
    born = np.zeros((number, size), np.int64)
    head, stock, coming = np.zeros(number, np.int64), np.zeros(number, np.int64), np.zeros(number, np.int64)
    shot, left = np.zeros(number, np.int64), np.zeros(number, np.int64)
    variant, births, limit = np.zeros(number, np.int64), np.zeros(number, np.int64), np.zeros(number, np.int64)
    slot_ends, was_on = np.zeros(number, np.int64), np.zeros(number, np.bool_)
    worth, asks = np.zeros(number), np.zeros(number, np.bool_)
    made_at = np.full(number, -1)
    emitted = [
        emissions(rngs[k], links[k], demands[k].start,
                  demands[k].start + demands[k].releases[shots - 1] + demands[k].deadline) for k in range(number)
    ]  # fmt: skip
    now, turn, serving = demands[0].start, 0, number
    while serving > 0:
        ends_slot = now + slot
        asking = 0
        for k in range(number):  # what each link may do in this slot, and whether it asks
            asks[k] = False
            if shot[k] == shots:
                continue
            demand, rule = demands[k], rules[k]
            tabled = len(rule.burst_births) > 0
            release = demand.start + demand.releases[shot[k]]
            _expire(born[k], head, stock, k, now, demand.useful_age, books.counts[k, TRAINING])
            if left[k] == 0:  # a new gap
                variant[k] = 1 if rule.second_share > 0.0 and rngs[k].random() < rule.second_share else 0
                left[k] = min(demand.burst, shots - shot[k])
                slot_ends[k] = now
            in_burst = now >= release
            if now >= slot_ends[k]:  # a slot of the policy begins
                length = demand.slot // rule.gap_slots
                if in_burst:
                    slot_ends[k] = release + demand.deadline
                    ends, to_come = slot_ends[k], left[k]
                else:
                    to_come = -((now - release) // length)
                    slot_ends[k] = min(release, now + length) if tabled else release
                    ends = now + demand.slot
                state = stock_number(rule, demand, born[k], head[k], stock[k], now, ends, in_burst) if tabled else 0
                limit[k], births[k] = limits(rule, demand, variant[k], state, in_burst, to_come)
                if tabled and state >= 0:
                    gains = burst_gain[k][variant[k]] if in_burst else gap_gain[k][variant[k]]
                    worth[k] = gains[min(len(gains), to_come) - 1, state]
                elif not tabled:
                    worth[k] = (number if in_burst else 0) + (k - turn) % number
                else:
                    worth[k] = 0.0
            if stock[k] < limit[k] and births[k] > 0:
                asks[k] = True
                asking += 1
        books.asked[0] += asking
        if asking > channels:
            order = np.argsort(np.where(asks, -worth, np.inf), kind="mergesort")
            for place in range(channels, number):
                asks[order[place]] = False
            asking = channels
        books.driven[0] += asking
        turn += 1
        for k in range(number):
            if shot[k] == shots:
                continue
            demand, period = demands[k], links[k].attempt_period
            while coming[k] < len(emitted[k]) and emitted[k][coming[k]] + period <= ends_slot:
                at = emitted[k][coming[k]]
                coming[k] += 1
                _expire(born[k], head, stock, k, at, demand.useful_age, books.counts[k, TRAINING])
                on = (was_on[k] if at < now else asks[k]) and stock[k] < limit[k] and births[k] > 0
                if at == made_at[k] or on:
                    made_at[k] = at
                    births[k] -= 1
                    books.counts[k, TRAINING, GENERATED] += 1
                    if stock[k] < rules[k].slots:
                        born[k, (head[k] + stock[k]) % size] = at
                        stock[k] += 1
                    else:
                        books.counts[k, TRAINING, EXPIRED] += 1
            was_on[k] = asks[k]
            if ends_slot < demand.start + demand.releases[shot[k]] + demand.deadline:
                continue
            executes = demand.start + demand.releases[shot[k]] + demand.deadline
            _expire(born[k], head, stock, k, executes, demand.useful_age, books.counts[k, TRAINING])
            served = stock[k] >= demand.pairs
            books.on_time[k, shot[k]] = served
            if served:
                for a in range(demand.pairs):
                    xx, yy, zz = correlations_at(links[k], executes - born[k, (head[k] + a) % size], 0)
                    books.werner_sum[k] += links[k].swap_werner * (xx + yy + zz) / 3.0
                head[k] = (head[k] + demand.pairs) % size
                stock[k] -= demand.pairs
                books.counts[k, TRAINING, USED] += demand.pairs
            shot[k] += 1
            left[k] -= 1
            slot_ends[k] = ends_slot
            if shot[k] == shots:
                serving -= 1
        now = ends_slot
    return stock


@njit(**COMPILED)
def _expire(born, head, stock, link, now, useful_age, row):  # type: ignore[no-untyped-def]
    """Give up the pairs of a link that are too old; born: its own, row: its books."""
    while stock[link] > 0 and now - born[head[link]] >= useful_age:
        head[link], stock[link] = (head[link] + 1) % len(born), stock[link] - 1
        row[EXPIRED] += 1
