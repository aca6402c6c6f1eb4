"""The compiled search of `PackedDistributor`: moves of qubits, packets and gates, priced by the trees they change."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit

from ceas_ray.distribution.packets import Packets
from ceas_ray.distribution.processor_network import ProcessorNetwork


class Problem(NamedTuple):
    """A circuit and a network in flat arrays.

    owner (packets,), gates (gates, 2), trees (2^P,), room (P,) as in `Packets` and `ProcessorNetwork`. The gates of
    packet h are gate_of[gate_start[h] : gate_start[h + 1]], the packets of qubit q packet_start[q] to
    packet_start[q + 1].
    """

    owner: Any
    gates: Any
    trees: Any
    room: Any
    gate_start: Any
    gate_of: Any
    packet_start: Any


class State(NamedTuple):
    """A distribution that the search changes. count: gates of each packet at each processor, (packets, P)."""

    home: Any
    place: Any
    count: Any
    held: Any


def problem_of(packets: Packets, network: ProcessorNetwork) -> Problem:
    """Return the arrays of a circuit on a network."""
    members = packets.gates.ravel()
    order = np.argsort(members, kind="stable")
    starts = np.searchsorted(members[order], np.arange(len(packets.owner) + 1))
    first = np.searchsorted(packets.owner, np.arange(packets.qubits + 1))
    return Problem(packets.owner, packets.gates, network.tree_costs, network.room, starts, order // 2, first)


@njit(cache=True)
def state_of(problem, home, place):  # type: ignore[no-untyped-def]
    """Return the state with these homes and places."""
    processors = len(problem.room)
    count = np.zeros((len(problem.owner), processors), np.int64)
    held = np.zeros(processors, np.int64)
    for g in range(len(place)):
        count[problem.gates[g, 0], place[g]] += 1
        count[problem.gates[g, 1], place[g]] += 1
    for q in range(len(home)):
        held[home[q]] += 1
    return State(home, place, count, held)


@njit(cache=True)
def _tree(problem, state, packet):  # type: ignore[no-untyped-def]
    bits = 1 << state.home[problem.owner[packet]]
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
def _put(problem, state, gate, processor):  # type: ignore[no-untyped-def]
    """Move a gate; return the change of the cost."""
    a, b = problem.gates[gate, 0], problem.gates[gate, 1]
    old = state.place[gate]
    before = _tree(problem, state, a) + _tree(problem, state, b)
    state.count[a, old] -= 1
    state.count[b, old] -= 1
    state.count[a, processor] += 1
    state.count[b, processor] += 1
    state.place[gate] = processor
    return _tree(problem, state, a) + _tree(problem, state, b) - before


@njit(cache=True)
def _put_best(problem, state, gate):  # type: ignore[no-untyped-def]
    """Move a gate where it costs least now (the lowest of equals, but where it is if that is one of them)."""
    start, best, least = state.place[gate], state.place[gate], 0
    total = 0
    for p in range(len(problem.room)):
        if p != start:
            total += _put(problem, state, gate, p)
            if total < least:
                best, least = p, total
    return total + _put(problem, state, gate, best) if state.place[gate] != best else total


@njit(cache=True)
def _move_home(problem, state, qubit, processor):  # type: ignore[no-untyped-def]
    change = 0
    for packet in range(problem.packet_start[qubit], problem.packet_start[qubit + 1]):
        change -= _tree(problem, state, packet)
    state.held[state.home[qubit]] -= 1
    state.home[qubit] = processor
    state.held[processor] += 1
    for packet in range(problem.packet_start[qubit], problem.packet_start[qubit + 1]):
        change += _tree(problem, state, packet)
    return change


@njit(cache=True)
def _take_along(problem, state, qubit, source, target):  # type: ignore[no-untyped-def]
    """Move the gates of a qubit that were done at its old home to its new one, then each where it costs least."""
    change = 0
    for packet in range(problem.packet_start[qubit], problem.packet_start[qubit + 1]):
        for k in range(problem.gate_start[packet], problem.gate_start[packet + 1]):
            if state.place[problem.gate_of[k]] == source:
                change += _put(problem, state, problem.gate_of[k], target)
    for packet in range(problem.packet_start[qubit], problem.packet_start[qubit + 1]):
        for k in range(problem.gate_start[packet], problem.gate_start[packet + 1]):
            change += _put_best(problem, state, problem.gate_of[k])
    return change


@njit(cache=True)
def _save(problem, state, qubit, saved):  # type: ignore[no-untyped-def]
    for packet in range(problem.packet_start[qubit], problem.packet_start[qubit + 1]):
        for k in range(problem.gate_start[packet], problem.gate_start[packet + 1]):
            saved[problem.gate_of[k]] = state.place[problem.gate_of[k]]


@njit(cache=True)
def _restore(problem, state, qubit, saved):  # type: ignore[no-untyped-def]
    for packet in range(problem.packet_start[qubit], problem.packet_start[qubit + 1]):
        for k in range(problem.gate_start[packet], problem.gate_start[packet + 1]):
            if state.place[problem.gate_of[k]] != saved[problem.gate_of[k]]:
                _put(problem, state, problem.gate_of[k], saved[problem.gate_of[k]])


@njit(cache=True)
def _accepts(change, temperature):  # type: ignore[no-untyped-def]
    return change <= 0 or np.random.random() < np.exp(-change / temperature)


@njit(cache=True)
def _try_qubit(problem, state, saved, temperature):  # type: ignore[no-untyped-def]
    """Give a qubit another home; where that is full, in exchange for a qubit from there."""
    qubit = np.random.randint(len(state.home))
    source, target = state.home[qubit], np.random.randint(len(problem.room))
    if target == source:
        return 0
    other = -1
    if state.held[target] >= problem.room[target]:
        pick = np.random.randint(state.held[target])
        for q in range(len(state.home)):
            if state.home[q] == target:
                if pick == 0:
                    other = q
                    break
                pick -= 1
    _save(problem, state, qubit, saved)
    if other >= 0:
        _save(problem, state, other, saved)
    change = _move_home(problem, state, qubit, target)
    if other >= 0:
        change += _move_home(problem, state, other, source)
    change += _take_along(problem, state, qubit, source, target)
    if other >= 0:
        change += _take_along(problem, state, other, target, source)
    if _accepts(change, temperature):
        return change
    _restore(problem, state, qubit, saved)
    if other >= 0:
        _restore(problem, state, other, saved)
        _move_home(problem, state, other, target)
    _move_home(problem, state, qubit, source)
    return 0


@njit(cache=True)
def _try_packet(problem, state, saved, temperature):  # type: ignore[no-untyped-def]
    """Do all gates of a packet at one processor, or each at the home of its other qubit."""
    packet = np.random.randint(len(problem.owner))
    target = np.random.randint(len(problem.room) + 1)
    change = 0
    for k in range(problem.gate_start[packet], problem.gate_start[packet + 1]):
        gate = problem.gate_of[k]
        saved[gate] = state.place[gate]
        where = target
        if target == len(problem.room):
            other = problem.gates[gate, 0] + problem.gates[gate, 1] - packet
            where = state.home[problem.owner[other]]
        if where != state.place[gate]:
            change += _put(problem, state, gate, where)
    if _accepts(change, temperature):
        return change
    for k in range(problem.gate_start[packet], problem.gate_start[packet + 1]):
        gate = problem.gate_of[k]
        if state.place[gate] != saved[gate]:
            _put(problem, state, gate, saved[gate])
    return 0


@njit(cache=True)
def _try_gate(problem, state, temperature):  # type: ignore[no-untyped-def]
    gate, target = np.random.randint(len(state.place)), np.random.randint(len(problem.room))
    old = state.place[gate]
    if target == old:
        return 0
    change = _put(problem, state, gate, target)
    if _accepts(change, temperature):
        return change
    _put(problem, state, gate, old)
    return 0


@njit(cache=True)
def anneal(problem, home, place, steps, hot, cold, seed):  # type: ignore[no-untyped-def]
    """Return the best (home, place, cost) that simulated annealing finds from a start.

    steps: moves in all; the temperature falls from `hot` to `cold` pairs geometrically. Of ten moves two are of qubits,
    five of packets, three of gates (Kirkpatrick, Gelatt and Vecchi, Science 220, 1983).
    """
    np.random.seed(seed)
    state = state_of(problem, home.copy(), place.copy())
    saved = np.zeros(len(place), np.int64)
    cost = total_cost(problem, state)
    best, best_home, best_place = cost, state.home.copy(), state.place.copy()
    for step in range(steps):
        temperature = hot * (cold / hot) ** (step / steps)
        kind = np.random.randint(10)
        if kind < 2:
            cost += _try_qubit(problem, state, saved, temperature)
        elif kind < 7:
            cost += _try_packet(problem, state, saved, temperature)
        else:
            cost += _try_gate(problem, state, temperature)
        if cost < best:
            best = cost
            best_home[:] = state.home
            best_place[:] = state.place
    return best_home, best_place, best
