"""Random walks through the abstract model, most of which hunt for states in which a value is half decided."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ceas_ray.consensus.exploration.abstract_rules import (
    PHASES,
    compiled,
    could_be_decided,
    decided_values,
    has_quorum,
    inlined,
    is_live,
    safe_values,
)

NOTHING, DISAGREEMENT, UNSAFE_VOTE, NOT_LIVE = 0, 1, 2, 3
_FREE, _MIXED, _HUNT = 0, 1, 2
_RARELY, _LEAK = 1 / 50, 1e-3
"""How often a step that the plan forbids is offered nevertheless, and its weight: honest replicas follow no plan."""


@compiled
def seeded(seed):  # type: ignore[no-untyped-def]
    """Return the state of a walk's random numbers (splitmix64)."""
    state = np.empty(1, np.uint64)
    state[0] = np.uint64(seed) * np.uint64(0xD1342543DE82EF95) + np.uint64(0x9E3779B97F4A7C15)
    return state


@compiled
def _uniform(state):  # type: ignore[no-untyped-def]
    state[0] += np.uint64(0x9E3779B97F4A7C15)
    mixed = state[0]
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed ^= mixed >> np.uint64(31)
    return np.float64(mixed >> np.uint64(11)) / 9007199254740992.0


@compiled
def _below(state, limit):  # type: ignore[no-untyped-def]
    return int(_uniform(state) * limit)


@compiled
def _mixed_plan(state, furthest, half):  # type: ignore[no-untyped-def]
    """Let chance say how far every replica goes in every view; often all do all in the last view and in `half`."""
    honest, views = furthest.shape
    for view in range(views):
        for p in range(honest):
            chance = _uniform(state)
            furthest[p, view] = -1 + (chance > 0.25) + (chance > 0.45) + (chance > 0.72) + (chance > 0.82)
            furthest[p, view] += chance > 0.87
    if _uniform(state) < 0.75:
        for p in range(honest):
            if _uniform(state) < 0.75:
                furthest[p, views - 1] = PHASES
            if _uniform(state) < 0.67:
                furthest[p, half] = PHASES
    if _uniform(state) < 0.5:
        furthest[:, 0] = np.maximum(furthest[:, 0], 0)


@compiled
def _hunt_plan(state, furthest, preferred, half, faults):  # type: ignore[no-untyped-def]
    """Plan a walk: nearly decide a value in view `half`, then cast single votes for other values, and decide in the
    last view.
    """
    honest, views = furthest.shape
    for view in range(half + 1):
        for p in range(honest):
            furthest[p, view] = _below(state, 2) if view < half else 1 + _below(state, 3)
    for _ in range(1 + (honest - 2) // 2):
        furthest[_below(state, honest), half] = PHASES
    for view in range(half + 1, views - 1):
        for p in range(honest):
            furthest[p, view] = 0 if _uniform(state) < 0.67 else -1
        furthest[_below(state, honest), view] = 1
        if _uniform(state) < 0.33:
            furthest[_below(state, honest), view] = 1 + _below(state, 2)
    if half + 1 < views - 1 and _uniform(state) < 0.5:
        preferred[half + 1] = preferred[half]
    furthest[:, views - 1] = PHASES
    for _ in range(faults):
        furthest[_below(state, honest), views - 1] = -1


@compiled
def _weight(state, allowed, weight):  # type: ignore[no-untyped-def]
    """Return the weight of a step that the plan allows, or forbids; 0 if it is not offered."""
    if allowed:
        return weight
    return weight * _LEAK if _uniform(state) < _RARELY else 0.0


class _Plan(NamedTuple):
    """What a walk aims at.

    style: free, mixed or hunt. half: the view in which a value is to be half decided. furthest: the phase that each
    replica should reach in each view, -1 to skip it, (honest, views). preferred: value of each view, (views,).
    enter_weight, other_weight: of entering a view, and of a vote for another value than the preferred one.
    """

    style: int
    half: int
    furthest: np.ndarray
    preferred: np.ndarray
    enter_weight: float
    other_weight: float


@compiled
def _drawn_plan(state, honest, views, rules):  # type: ignore[no-untyped-def]
    """Draw a plan."""
    furthest = np.full((honest, views), PHASES, np.int64)
    preferred = np.empty(views, np.int64)
    for view in range(views):
        preferred[view] = 1 + _below(state, rules.values)
    half = _below(state, max(1, views - 1))
    style = min(_below(state, 4), _HUNT)
    other_weight = 0.03 if _uniform(state) < 0.5 else 1.0
    enter_weight = (0.02, 0.05, 0.15, 0.4)[_below(state, 4)]
    if style == _MIXED:
        _mixed_plan(state, furthest, half)
    elif style == _HUNT:
        half = _below(state, max(1, min(2 if views > 4 else 1, views - 1)))
        enter_weight = 0.05
        other_weight = 1.0 if _uniform(state) < 0.75 else 0.01
        _hunt_plan(state, furthest, preferred, half, rules.faults)
    return _Plan(style, half, furthest, preferred, enter_weight, other_weight)


@inlined
def _vote_weight(plan, view, phase, value):  # type: ignore[no-untyped-def]
    """Return the weight of a vote, if the plan allows it."""
    weight = plan.other_weight if phase == 1 and value != plan.preferred[view] else 1.0
    if plan.style == _FREE and view == plan.half and value == plan.preferred[plan.half]:
        weight *= 5.0
    elif plan.style == _FREE and view > plan.half and value != plan.preferred[plan.half]:
        weight *= 3.0
    return weight


@inlined
def _find_steps(state, entered, votes, plan, rules, safe, found, weights):  # type: ignore[no-untyped-def]
    """Write all possible steps (who, view, phase, value) to `found` and their weights to `weights`; return their
    number and the sum of weights. safe: room for the safe values of each view.
    """
    safe[:] = -1
    furthest = plan.furthest
    count, total = 0, 0.0
    for p in range(len(entered)):
        for view in range(entered[p] + 1, votes.shape[1]):
            usual = plan.enter_weight if view == entered[p] + 1 else plan.enter_weight * 0.3
            weight = _weight(state, furthest[p, view] >= 0, usual)
            if weight > 0.0:
                found[count] = (p, view, 0, 0)
                weights[count] = weight
                total += weight
                count += 1
        view = entered[p]
        if view < 0:
            continue
        if votes[p, view, 1] == 0 and safe[view] < 0:
            safe[view] = safe_values(entered, votes, view, view, True, rules)
        for phase in range(1, PHASES + 1):
            if votes[p, view, phase]:
                continue
            for value in range(1, rules.values + 1):
                if phase == 1:
                    possible = (safe[view] >> value) & 1 == 1
                else:
                    possible = has_quorum(votes, view, phase - 1, value, rules)
                if not possible:
                    continue
                usual = _vote_weight(plan, view, phase, value)
                weight = _weight(state, phase <= furthest[p, view], usual)
                if weight > 0.0:
                    found[count] = (p, view, phase, value)
                    weights[count] = weight
                    total += weight
                    count += 1
    return count, total


@inlined
def _drawn_step(state, weights, count, total):  # type: ignore[no-untyped-def]
    """Draw the index of a step in proportion to its weight."""
    left = _uniform(state) * total
    number = 0
    while number < count - 1 and left >= weights[number]:
        left -= weights[number]
        number += 1
    return number


@inlined
def _is_unsafe_vote(entered, votes, view, value, rules):  # type: ignore[no-untyped-def]
    """Return whether another value could still be decided in an earlier view than that of this vote 1."""
    for earlier in range(view):
        for other in range(1, rules.values + 1):
            if other != value and could_be_decided(entered, votes, earlier, other, rules.quorum):
                return True
    return False


@compiled
def walk(honest, views, rules, seed, taken):  # type: ignore[no-untyped-def]
    """Walk until nothing is possible, or something is broken.

    Write the steps (who, view, phase, value) to `taken`, shape (steps, 4). Return their number, what is broken, how
    many states were checked for liveness, and how many values were decided.
    """
    state = seeded(seed)
    entered = np.full(honest, -1, np.int64)
    votes = np.zeros((honest, views, PHASES + 1), np.int8)
    plan = _drawn_plan(state, honest, views, rules)
    found = np.empty((honest * (views + 1 + PHASES * rules.values), 4), np.int64)
    weights = np.empty(len(found), np.float64)
    safe = np.empty(views, np.int64)
    checked = 0
    for length in range(len(taken)):
        count, total = _find_steps(state, entered, votes, plan, rules, safe, found, weights)
        if count == 0:
            broken = NOTHING if is_live(entered, votes, rules) else NOT_LIVE
            return length, broken, checked + 1, decided_values(votes, rules.quorum)
        number = _drawn_step(state, weights, count, total)
        p, view, phase, value = found[number]
        taken[length] = found[number]
        if phase == 1 and _is_unsafe_vote(entered, votes, view, value, rules):
            return length + 1, UNSAFE_VOTE, checked, 0
        if phase == 0:
            entered[p] = view
        else:
            votes[p, view, phase] = value
        if phase == PHASES and decided_values(votes, rules.quorum) > 1:
            return length + 1, DISAGREEMENT, checked, 2
        if _uniform(state) < 0.125 or (phase == 1 and view == views - 1 and _uniform(state) < 0.5):
            checked += 1
            if not is_live(entered, votes, rules):
                return length + 1, NOT_LIVE, checked, 0
    return len(taken), NOTHING, checked, decided_values(votes, rules.quorum)


@compiled
def search(honest, views, rules, first, walks):  # type: ignore[no-untyped-def]
    """Take the walks of the seeds first, first + 1, ... until one breaks something.

    Return the number of walks, their steps, the states checked for liveness, the walks that decide, and what the last
    one breaks.
    """
    taken = np.empty((honest * views * (1 + PHASES), 4), np.int64)
    steps = checked = decided = 0
    for number in range(walks):
        length, broken, live, values_decided = walk(honest, views, rules, first + number, taken)
        steps += length
        checked += live
        decided += values_decided > 0
        if broken:
            return number + 1, steps, checked, decided, broken
    return walks, steps, checked, decided, NOTHING
