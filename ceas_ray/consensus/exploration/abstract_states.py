"""Visits every reachable state of a small abstract model, depth first."""

from __future__ import annotations

import numpy as np

from ceas_ray.consensus.exploration.abstract_rules import PHASES, compiled, decided_values, inlined, is_enabled, is_live


@compiled
def _packed_replica(entered, votes, names):  # type: ignore[no-untyped-def]
    """Return a replica as an integer: view + 1 in the lowest 3 bits, then 2 bits a vote, values renamed by `names`."""
    total = np.int64(0)
    for view in range(votes.shape[0] - 1, -1, -1):
        for phase in range(PHASES, 0, -1):
            total = (total << 2) | names[votes[view, phase]]
    return (total << 3) | (entered + 1)


@compiled
def _packed(entered, votes, names, symmetric):  # type: ignore[no-untyped-def]
    """Return the state as one integer; symmetric: the least of its images when replicas and values are exchanged.

    names: the permutations of the values, the identity first, shape (permutations, values + 1).
    """
    honest, views = len(entered), votes.shape[1]
    bits = 3 + 2 * PHASES * views
    image = np.empty(honest, np.int64)
    best = np.int64(-1)
    for number in range(len(names) if symmetric else 1):
        for p in range(honest):
            image[p] = _packed_replica(entered[p], votes[p], names[number])
        if symmetric:
            image.sort()
        total = np.int64(0)
        for replica in image:
            total = (total << bits) | replica
        if best < 0 or total < best:
            best = total
    return best


@compiled
def _unpack(state, entered, votes):  # type: ignore[no-untyped-def]
    honest, views = len(entered), votes.shape[1]
    bits = 3 + 2 * PHASES * views
    for p in range(honest):
        replica = (state >> (bits * (honest - 1 - p))) & ((np.int64(1) << bits) - 1)
        entered[p] = (replica & 7) - 1
        replica >>= 3
        for view in range(views):
            for phase in range(1, PHASES + 1):
                votes[p, view, phase] = replica & 3
                replica >>= 2


@compiled
def _remember(table, state):  # type: ignore[no-untyped-def]
    """Add a state to an open-addressed table of states + 1; return whether it is new."""
    mask = len(table) - 1
    place = (np.uint64(state) * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(20)
    at = np.int64(place & np.uint64(mask))
    while table[at]:
        if table[at] == state + 1:
            return False
        at = (at + 1) & mask
    table[at] = state + 1
    return True


@inlined
def _step_of(number, entered, views, values):  # type: ignore[no-untyped-def]
    """Return view, phase and value of a step: the first `views` steps enter a view, the others vote in the view that
    was entered.
    """
    if number < views:
        return number, 0, 0
    return entered, 1 + (number - views) // values, 1 + (number - views) % values


@compiled
def visit_all(honest, views, rules, names, symmetric, table):  # type: ignore[no-untyped-def]
    """Visit all states. Return how many there are, in how many of them two values are decided, and in how many liveness
    is lost; the latter two are -1 if the table is too small.
    """
    waiting = np.empty(len(table), np.int64)
    entered = np.full(honest, -1, np.int64)
    votes = np.zeros((honest, views, PHASES + 1), np.int8)
    waiting[0] = _packed(entered, votes, names, symmetric)
    _remember(table, waiting[0])
    left = states = 1
    disagreements = not_live = 0
    while left:
        left -= 1
        _unpack(waiting[left], entered, votes)
        disagreements += decided_values(votes, rules.quorum) > 1
        not_live += not is_live(entered, votes, rules)
        for p in range(honest):
            before = entered[p]
            for number in range(views + PHASES * rules.values):
                view, phase, value = _step_of(number, before, views, rules.values)
                if view < 0 or not is_enabled(entered, votes, p, view, phase, value, rules):
                    continue
                if phase == 0:
                    entered[p] = view
                else:
                    votes[p, view, phase] = value
                following = _packed(entered, votes, names, symmetric)
                if phase == 0:
                    entered[p] = before
                else:
                    votes[p, view, phase] = 0
                if _remember(table, following):
                    states += 1
                    if 2 * states > len(table):
                        return states, -1, -1
                    waiting[left] = following
                    left += 1
    return states, disagreements, not_live
