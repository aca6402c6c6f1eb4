"""Random walks through the abstract model: most of them hunt for states in which a value is half decided."""

from __future__ import annotations

import numpy as np

from ceas_ray.consensus.exploration.abstract_rules import (
    PHASES,
    compiled,
    could_be_decided,
    decided_values,
    has_quorum,
    is_live,
    safe_values,
)

NOTHING, DISAGREEMENT, UNSAFE_VOTE, NOT_LIVE = 0, 1, 2, 3
_FREE, _MIXED, _HUNT = 0, 1, 2
_RARELY, _LEAK = 1 / 50, 1e-3
"""What a plan forbids is offered once in a while, with a small weight: honest replicas follow no plan."""


@compiled
def seeded(seed):  # type: ignore[no-untyped-def]
    """State of a walk's random numbers (splitmix64)."""
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
    """Every replica goes so far in every view by chance; often all do all in the last view and in view `half`."""
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
    """A value is nearly decided in view `half`; later views see single votes for other values; the last one decides."""
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
    """Weight of a step that the plan allows, or not."""
    if allowed:
        return weight
    return weight * _LEAK if _uniform(state) < _RARELY else 0.0


@compiled
def walk(honest, views, values, faults, quorum, blocking, change, seed, taken):  # type: ignore[no-untyped-def]
    """One walk until nothing is possible, or broken.

    Steps (who, view, phase, value) go to `taken`. Returns their number, what is broken, how many states were checked
    for liveness, and how many values were decided.
    """
    state = seeded(seed)
    entered = np.full(honest, -1, np.int64)
    votes = np.zeros((honest, views, PHASES + 1), np.int8)
    furthest = np.full((honest, views), PHASES, np.int64)
    preferred = np.empty(views, np.int64)
    for view in range(views):
        preferred[view] = 1 + _below(state, values)
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
        _hunt_plan(state, furthest, preferred, half, faults)
    found = np.empty((honest * (views + 1 + PHASES * values), 4), np.int64)
    weights = np.empty(len(found), np.float64)
    safe = np.empty(views, np.int64)
    checked = 0
    for length in range(len(taken)):
        safe[:] = -1
        count = 0
        total = 0.0
        for p in range(honest):
            for view in range(entered[p] + 1, views):
                usual = enter_weight if view == entered[p] + 1 else enter_weight * 0.3
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
                safe[view] = safe_values(entered, votes, view, view, values, True, quorum, blocking, change)
            for phase in range(1, PHASES + 1):
                if votes[p, view, phase]:
                    continue
                for value in range(1, values + 1):
                    if phase == 1:
                        possible = (safe[view] >> value) & 1 == 1
                    else:
                        possible = has_quorum(votes, view, phase - 1, value, quorum, change)
                    if not possible:
                        continue
                    usual = other_weight if phase == 1 and value != preferred[view] else 1.0
                    if style == _FREE and view == half and value == preferred[half]:
                        usual *= 5.0
                    elif style == _FREE and view > half and value != preferred[half]:
                        usual *= 3.0
                    weight = _weight(state, phase <= furthest[p, view], usual)
                    if weight > 0.0:
                        found[count] = (p, view, phase, value)
                        weights[count] = weight
                        total += weight
                        count += 1
        if count == 0:
            live = is_live(entered, votes, values, faults, quorum, blocking, change)
            return length, NOTHING if live else NOT_LIVE, checked + 1, decided_values(votes, quorum)
        left = _uniform(state) * total
        number = 0
        while number < count - 1 and left >= weights[number]:
            left -= weights[number]
            number += 1
        p, view, phase, value = found[number]
        taken[length] = found[number]
        if phase == 1:
            for earlier in range(view):
                for other in range(1, values + 1):
                    if other != value and could_be_decided(entered, votes, earlier, other, quorum):
                        return length + 1, UNSAFE_VOTE, checked, 0
        if phase == 0:
            entered[p] = view
        else:
            votes[p, view, phase] = value
        if phase == PHASES and decided_values(votes, quorum) > 1:
            return length + 1, DISAGREEMENT, checked, 2
        if _uniform(state) < 0.125 or (phase == 1 and view == views - 1 and _uniform(state) < 0.5):
            checked += 1
            if not is_live(entered, votes, values, faults, quorum, blocking, change):
                return length + 1, NOT_LIVE, checked, 0
    return len(taken), NOTHING, checked, decided_values(votes, quorum)


@compiled
def search(honest, views, values, faults, quorum, blocking, change, first, walks):  # type: ignore[no-untyped-def]
    """Walks of the seeds first, first + 1, ... until one breaks.

    Returns walks, steps, states checked for liveness, walks that decide, and what the last one breaks.
    """
    taken = np.empty((honest * views * (1 + PHASES), 4), np.int64)
    steps = checked = decided = 0
    for number in range(walks):
        length, broken, live, values_decided = walk(
            honest, views, values, faults, quorum, blocking, change, first + number, taken
        )
        steps += length
        checked += live
        decided += values_decided > 0
        if broken:
            return number + 1, steps, checked, decided, broken
    return walks, steps, checked, decided, NOTHING
