"""The compiled search of `PackedDistributor`: moves of qubits, packets and gates, priced by the trees they change."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ceas_ray.distribution.packets import Packets
from ceas_ray.distribution.processor_network import ProcessorNetwork
from ceas_ray.kernel.compiled_code import njit


class Problem(NamedTuple):
    """A circuit and a network in flat arrays.

    owner (packets,), ends (phases, 2), trees (2^P,), room (P,) as in `Packets` and `ProcessorNetwork`. The phases of
    packet h are phase_of[phase_start[h] : phase_start[h + 1]], the packets of qubit q packet_start[q] to
    packet_start[q + 1]. A packet's qubit must be at its home in the epochs first[h] to last[h] - 1, (packets,), and it
    is there until first[h + 1] if it stays for the next packet.
    """

    owner: Any
    ends: Any
    trees: Any
    room: Any
    phase_start: Any
    phase_of: Any
    packet_start: Any
    first: Any
    last: Any


class State(NamedTuple):
    """A distribution that the search changes.

    count: phases of each packet at each processor, (packets, P); held: qubits at each processor in each epoch.
    """

    home: Any
    place: Any
    count: Any
    held: Any


class Saved(NamedTuple):
    """What a move changed, to undo it: the old home of packets and the old place of phases."""

    home: Any
    place: Any


def problem_of(packets: Packets, network: ProcessorNetwork) -> Problem:
    """Return the arrays of a circuit on a network."""
    members = packets.ends.ravel()
    order = np.argsort(members, kind="stable")
    starts = np.searchsorted(members[order], np.arange(len(packets.owner) + 1))
    of_qubit = np.searchsorted(packets.owner, np.arange(packets.qubits + 1))
    _, inverse = np.unique(np.concatenate([packets.begin, packets.end]), return_inverse=True)
    first, last = inverse[: len(packets.owner)], inverse[len(packets.owner) :]
    return Problem(
        owner=packets.owner, ends=packets.ends, trees=network.tree_costs, room=network.room, phase_start=starts,
        phase_of=order // 2, packet_start=of_qubit, first=first, last=last,
    )  # fmt: skip


@njit(cache=True)
def state_of(problem, home, place):  # type: ignore[no-untyped-def]
    """Return the state with these homes and places."""
    processors = len(problem.room)
    count = np.zeros((len(problem.owner), processors), np.int64)
    held = np.zeros((processors, max(problem.last)), np.int64)
    for g in range(len(place)):
        count[problem.ends[g, 0], place[g]] += 1
        count[problem.ends[g, 1], place[g]] += 1
    state = State(home, place, count, held)
    for h in range(len(home)):
        _hold(problem, state, h, 1)
        _hold_between(problem, state, h, 1)
    return state


@njit(cache=True)
def _hold(problem, state, packet, change):  # type: ignore[no-untyped-def]
    state.held[state.home[packet], problem.first[packet] : problem.last[packet]] += change


@njit(cache=True)
def _hold_between(problem, state, packet, change):  # type: ignore[no-untyped-def]
    """From a packet to the next one, if the qubit stays."""
    if _has_next(problem, packet) and state.home[packet] == state.home[packet + 1]:
        state.held[state.home[packet], problem.last[packet] : problem.first[packet + 1]] += change


@njit(cache=True)
def _has_next(problem, packet):  # type: ignore[no-untyped-def]
    return packet + 1 < len(problem.owner) and problem.owner[packet + 1] == problem.owner[packet]


@njit(cache=True)
def _tree(problem, state, packet):  # type: ignore[no-untyped-def]
    bits = 1 << state.home[packet]
    if _has_next(problem, packet):
        bits |= 1 << state.home[packet + 1]
    for p in range(len(problem.room)):
        if state.count[packet, p] > 0:
            bits |= 1 << p
    return problem.trees[bits]


@njit(cache=True)
def total_cost(problem, state):  # type: ignore[no-untyped-def]
    """Return the Bell pairs of a state."""
    total = 0
    for packet in range(len(problem.owner)):
        total += _tree(problem, state, packet)
    return total


@njit(cache=True)
def _put(problem, state, phase, processor):  # type: ignore[no-untyped-def]
    """Do a phase elsewhere; return the change of the cost."""
    a, b = problem.ends[phase, 0], problem.ends[phase, 1]
    old = state.place[phase]
    before = _tree(problem, state, a) + _tree(problem, state, b)
    state.count[a, old] -= 1
    state.count[b, old] -= 1
    state.count[a, processor] += 1
    state.count[b, processor] += 1
    state.place[phase] = processor
    return _tree(problem, state, a) + _tree(problem, state, b) - before


@njit(cache=True)
def _put_best(problem, state, phase):  # type: ignore[no-untyped-def]
    """Do a phase where it costs least now (the lowest of equals, but where it is if that is one of them)."""
    start, best, least = state.place[phase], state.place[phase], 0
    total = 0
    for p in range(len(problem.room)):
        if p != start:
            total += _put(problem, state, phase, p)
            if total < least:
                best, least = p, total
    return total + _put(problem, state, phase, best) if state.place[phase] != best else total


@njit(cache=True)
def _rehome(problem, state, packet, processor):  # type: ignore[no-untyped-def]
    """Hold the qubit of a packet elsewhere; return the change of the cost."""
    old = state.home[packet]
    if old == processor:
        return 0
    has_previous = packet > 0 and _has_next(problem, packet - 1)
    before = _tree(problem, state, packet) + (_tree(problem, state, packet - 1) if has_previous else 0)
    for change in (-1, 1):
        _hold(problem, state, packet, change)
        _hold_between(problem, state, packet, change)
        if has_previous:
            _hold_between(problem, state, packet - 1, change)
        state.home[packet] = processor
    return _tree(problem, state, packet) + (_tree(problem, state, packet - 1) if has_previous else 0) - before


@njit(cache=True)
def _overfull(problem, state, processor):  # type: ignore[no-untyped-def]
    return np.max(state.held[processor]) > problem.room[processor]


@njit(cache=True)
def _save(problem, state, saved, first, last):  # type: ignore[no-untyped-def]
    for packet in range(first, last):
        saved.home[packet] = state.home[packet]
        for k in range(problem.phase_start[packet], problem.phase_start[packet + 1]):
            saved.place[problem.phase_of[k]] = state.place[problem.phase_of[k]]


@njit(cache=True)
def _undo(problem, state, saved, first, last):  # type: ignore[no-untyped-def]
    for packet in range(first, last):
        _rehome(problem, state, packet, saved.home[packet])
        for k in range(problem.phase_start[packet], problem.phase_start[packet + 1]):
            if state.place[problem.phase_of[k]] != saved.place[problem.phase_of[k]]:
                _put(problem, state, problem.phase_of[k], saved.place[problem.phase_of[k]])


@njit(cache=True)
def _take_along(problem, state, saved, first, last):  # type: ignore[no-untyped-def]
    """Do phases of packets that moved at the new home if they were done at the old one, then each where best."""
    change = 0
    for packet in range(first, last):
        for k in range(problem.phase_start[packet], problem.phase_start[packet + 1]):
            phase = problem.phase_of[k]
            if state.home[packet] != saved.home[packet] and state.place[phase] == saved.home[packet]:
                change += _put(problem, state, phase, state.home[packet])
    for packet in range(first, last):
        for k in range(problem.phase_start[packet], problem.phase_start[packet + 1]):
            change += _put_best(problem, state, problem.phase_of[k])
    return change


@njit(cache=True)
def _accepts(change, temperature, generator):  # type: ignore[no-untyped-def]
    return change <= 0 or generator.random() < np.exp(-change / temperature)


@njit(cache=True)
def _pick(generator, count):  # type: ignore[no-untyped-def]
    return int(generator.random() * count)


@njit(cache=True)
def _partner(problem, state, processor, epoch, generator):  # type: ignore[no-untyped-def]
    """Pick a qubit that must be at a processor in an epoch; -1 if there is none."""
    start = _pick(generator, len(state.home))
    for k in range(len(state.home)):
        packet = (start + k) % len(state.home)
        if state.home[packet] == processor and problem.first[packet] <= epoch < problem.last[packet]:
            return problem.owner[packet]
    return -1


@njit(cache=True)
def _try_qubit(problem, state, saved, temperature, moving, generator):  # type: ignore[no-untyped-def]
    """Give a qubit another home, for all of its packets or (moving) for some; where that is full, in exchange."""
    qubit, target = _pick(generator, len(problem.packet_start) - 1), _pick(generator, len(problem.room))
    first, last = problem.packet_start[qubit], problem.packet_start[qubit + 1]
    if moving and generator.random() < 0.7:
        first += _pick(generator, last - first)
        last = first + 1 + _pick(generator, last - first)
    source = state.home[first]
    if source == target:
        return 0
    begins, ends = problem.first[first], problem.last[last - 1]
    _save(problem, state, saved, first, last)
    change, other_first, other_last = 0, 0, 0
    for packet in range(first, last):
        change += _rehome(problem, state, packet, target)
    if _overfull(problem, state, target):
        other = _partner(problem, state, target, begins, generator)
        if other >= 0 and other != qubit:
            other_first, other_last = problem.packet_start[other], problem.packet_start[other + 1]
            _save(problem, state, saved, other_first, other_last)
            for packet in range(other_first, other_last):
                middle = (problem.first[packet] + problem.last[packet]) // 2
                if begins <= middle < ends and state.home[packet] == target:
                    change += _rehome(problem, state, packet, source)
    if not (_overfull(problem, state, target) or _overfull(problem, state, source)):
        change += _take_along(problem, state, saved, first, last)
        change += _take_along(problem, state, saved, other_first, other_last)
        if _accepts(change, temperature, generator):
            return change
    _undo(problem, state, saved, other_first, other_last)
    _undo(problem, state, saved, first, last)
    return 0


@njit(cache=True)
def _try_packet(problem, state, saved, temperature, generator):  # type: ignore[no-untyped-def]
    """Do all phases of a packet at one processor, or each at the home of its other qubit."""
    packet = _pick(generator, len(problem.owner))
    target = _pick(generator, len(problem.room) + 1)
    change = 0
    for k in range(problem.phase_start[packet], problem.phase_start[packet + 1]):
        phase = problem.phase_of[k]
        saved.place[phase] = state.place[phase]
        where = target
        if target == len(problem.room):
            where = state.home[problem.ends[phase, 0] + problem.ends[phase, 1] - packet]
        if where != state.place[phase]:
            change += _put(problem, state, phase, where)
    if _accepts(change, temperature, generator):
        return change
    for k in range(problem.phase_start[packet], problem.phase_start[packet + 1]):
        phase = problem.phase_of[k]
        if state.place[phase] != saved.place[phase]:
            _put(problem, state, phase, saved.place[phase])
    return 0


@njit(cache=True)
def _try_phase(problem, state, temperature, generator):  # type: ignore[no-untyped-def]
    phase, target = _pick(generator, len(state.place)), _pick(generator, len(problem.room))
    old = state.place[phase]
    if target == old:
        return 0
    change = _put(problem, state, phase, target)
    if _accepts(change, temperature, generator):
        return change
    _put(problem, state, phase, old)
    return 0


@njit(cache=True)
def anneal(problem, home, place, steps, hot, cold, moving, generator):  # type: ignore[no-untyped-def]
    """Return the best (home, place, cost) that simulated annealing finds from a start.

    steps: moves in all; the temperature falls from `hot` to `cold` pairs geometrically. Of ten moves two are of qubits,
    five of packets, three of phases (Kirkpatrick, Gelatt and Vecchi, Science 220, 1983). moving: whether a qubit may
    have several homes, one after the other.
    """
    state = state_of(problem, home.copy(), place.copy())
    saved = Saved(home.copy(), place.copy())
    cost = total_cost(problem, state)
    best, best_home, best_place = cost, state.home.copy(), state.place.copy()
    for step in range(steps):
        temperature = hot * (cold / hot) ** (step / steps)
        kind = _pick(generator, 10)
        if kind < 2:
            cost += _try_qubit(problem, state, saved, temperature, moving, generator)
        elif kind < 7:
            cost += _try_packet(problem, state, saved, temperature, generator)
        else:
            cost += _try_phase(problem, state, temperature, generator)
        if cost < best:
            best = cost
            best_home[:] = state.home
            best_place[:] = state.place
    return best_home, best_place, best
