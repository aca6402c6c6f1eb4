"""The compiled search of `PackedDistributor`: moves of qubits, packets, gates and kept copies."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ceas_ray.distribution.search_state import keep, keepable, put, put_best, rehome, total_cost
from ceas_ray.kernel.compiled_code import njit


class Saved(NamedTuple):
    """What a move changed, to undo it: the old home and kept copies of packets, the old place of phases."""

    home: Any
    kept: Any
    place: Any


@njit(cache=True)
def _overfull(state, processor):  # type: ignore[no-untyped-def]
    return np.max(state.held[processor]) > state.room[processor]


@njit(cache=True)
def _two_more(packet, last):  # type: ignore[no-untyped-def]
    """Return the end of the packets whose kept copies depend on the homes of those before `last`."""
    return last + packet[last - 1].has_next + packet[last - 1].has_second


@njit(cache=True)
def _save(state, saved, first, last):  # type: ignore[no-untyped-def]
    packet = state.packet
    if last > first:
        for k in range(packet[first].first_phase, packet[last - 1].end_of_phases):
            saved.place[state.phase_of[k]] = state.phase[state.phase_of[k]].place
        for h in range(first, _two_more(packet, last)):
            saved.home[h], saved.kept[h] = packet[h].home, packet[h].kept


@njit(cache=True)
def _keep_saved(state, saved, first, last):  # type: ignore[no-untyped-def]
    """Keep the saved copies as far as that is possible; return the change of the cost."""
    change = 0
    if last > first:
        for h in range(first, _two_more(state.packet, last)):
            if saved.kept[h] != 0 or state.packet[h].kept != 0:
                change += keep(state, h, keepable(state, h, saved.kept[h]))
    return change


@njit(cache=True)
def _keep_none(state, first, last):  # type: ignore[no-untyped-def]
    change = 0
    if last > first:
        for h in range(first, _two_more(state.packet, last)):
            if state.packet[h].kept != 0:
                change += keep(state, h, 0)
    return change


@njit(cache=True)
def _undo(state, saved, first, last):  # type: ignore[no-untyped-def]
    if last == first:
        return
    _keep_none(state, first, last)
    for h in range(first, last):
        rehome(state.packet, state.held, state.links, h, saved.home[h])
    for k in range(state.packet[first].first_phase, state.packet[last - 1].end_of_phases):
        g = state.phase_of[k]
        if state.phase[g].place != saved.place[g]:
            put(state.packet, state.phase, state.count, state.links, g, saved.place[g])
    _keep_saved(state, saved, first, last)


@njit(cache=True)
def _take_along(state, saved, first, last):  # type: ignore[no-untyped-def]
    """Do phases of packets that moved at the new home if they were done at the old one, then each where best."""
    change = 0
    packet, phase, count, links = state.packet, state.phase, state.count, state.links
    if last == first:
        return 0
    for h in range(first, last):
        if packet[h].home != saved.home[h]:
            for k in range(packet[h].first_phase, packet[h].end_of_phases):
                if phase[state.phase_of[k]].place == saved.home[h]:
                    change += put(packet, phase, count, links, state.phase_of[k], packet[h].home)
    change += _keep_saved(state, saved, first, last)
    for k in range(packet[first].first_phase, packet[last - 1].end_of_phases):
        change += put_best(packet, phase, count, links, state.phase_of[k])
    return change


@njit(cache=True)
def _accepts(change, temperature, generator):  # type: ignore[no-untyped-def]
    return change <= 0 or generator.random() < np.exp(-change / temperature)


@njit(cache=True)
def _pick(generator, count):  # type: ignore[no-untyped-def]
    return int(generator.random() * count)


@njit(cache=True)
def _partner(packet, processor, epoch, generator):  # type: ignore[no-untyped-def]
    """Pick a qubit that must be at a processor in an epoch; -1 if there is none."""
    start = _pick(generator, len(packet))
    for k in range(len(packet)):
        h = (start + k) % len(packet)
        if packet[h].home == processor and packet[h].begin <= epoch < packet[h].end:
            return packet[h].owner
    return -1


@njit(cache=True)
def _exchange(state, saved, other, begins, ends, target, source):  # type: ignore[no-untyped-def]
    """Bring another qubit from the target to the source, for its packets in these epochs; return the change."""
    first, last = state.packet_start[other], state.packet_start[other + 1]
    _save(state, saved, first, last)
    change = _keep_none(state, first, last)
    one_epoch = state.held.shape[1] == 1
    for h in range(first, last):
        middle = (state.packet[h].begin + state.packet[h].end) // 2
        if state.packet[h].home == target and (one_epoch or begins <= middle < ends):
            change += rehome(state.packet, state.held, state.links, h, source)
    return change


@njit(cache=True)
def _try_qubit(state, saved, temperature, moving, generator):  # type: ignore[no-untyped-def]
    """Give a qubit another home, for all of its packets or (moving) for some; where that is full, in exchange."""
    qubit, target = _pick(generator, len(state.packet_start) - 1), _pick(generator, len(state.room))
    first, last = state.packet_start[qubit], state.packet_start[qubit + 1]
    if moving and generator.random() < 0.7:
        first += _pick(generator, last - first)
        last = first + 1 + _pick(generator, last - first)
    source = state.packet[first].home
    if source == target:
        return 0
    begins, ends = state.packet[first].begin, state.packet[last - 1].end
    _save(state, saved, first, last)
    change, other_first, other_last = _keep_none(state, first, last), 0, 0
    for h in range(first, last):
        change += rehome(state.packet, state.held, state.links, h, target)
    if _overfull(state, target):
        other = _partner(state.packet, target, begins, generator)
        if other >= 0 and other != qubit:
            other_first, other_last = state.packet_start[other], state.packet_start[other + 1]
            change += _exchange(state, saved, other, begins, ends, target, source)
    if not (_overfull(state, target) or _overfull(state, source)):
        change += _take_along(state, saved, first, last)
        change += _take_along(state, saved, other_first, other_last)
        if _accepts(change, temperature, generator):
            return change
    _undo(state, saved, other_first, other_last)
    _undo(state, saved, first, last)
    return 0


@njit(cache=True)
def _try_packet(state, saved, temperature, generator):  # type: ignore[no-untyped-def]
    """Do all phases of a packet at one processor, or each at the home of its other qubit."""
    packet, phase, count, links = state.packet, state.phase, state.count, state.links
    h, target, change = _pick(generator, len(packet)), _pick(generator, len(state.room) + 1), 0
    for k in range(packet[h].first_phase, packet[h].end_of_phases):
        g = state.phase_of[k]
        saved.place[g] = phase[g].place
        where = target
        if target == len(state.room):
            where = packet[phase[g].first + phase[g].second - h].home
        if where != phase[g].place:
            change += put(packet, phase, count, links, g, where)
    if _accepts(change, temperature, generator):
        return change
    for k in range(packet[h].first_phase, packet[h].end_of_phases):
        g = state.phase_of[k]
        if phase[g].place != saved.place[g]:
            put(packet, phase, count, links, g, saved.place[g])
    return 0


@njit(cache=True)
def _try_phase(state, temperature, generator):  # type: ignore[no-untyped-def]
    g, target = _pick(generator, len(state.phase)), _pick(generator, len(state.room))
    old = state.phase[g].place
    if target == old:
        return 0
    change = put(state.packet, state.phase, state.count, state.links, g, target)
    if _accepts(change, temperature, generator):
        return change
    put(state.packet, state.phase, state.count, state.links, g, old)
    return 0


@njit(cache=True)
def _try_kept(state, h, temperature, generator):  # type: ignore[no-untyped-def]
    """Keep one copy more or less over the packet before, or those that serve both sides, or none."""
    old, kind = state.packet[h].kept, _pick(generator, 4)
    copies = old ^ (1 << _pick(generator, len(state.room)))
    if kind == 0:
        copies = state.packet[h].used & state.packet[h - 2].used
    elif kind == 1:
        copies = 0
    change = keep(state, h, keepable(state, h, copies))
    if _accepts(change, temperature, generator):
        return change
    keep(state, h, old)
    return 0


@njit(cache=True)
def drop_useless_copies(state):  # type: ignore[no-untyped-def]
    """Keep only copies that are used after; it costs nothing more."""
    packet, changed = state.packet, True
    while changed:
        changed = False
        for h in range(len(packet) - 1, -1, -1):
            useful = packet[h].used | (packet[h + 2].kept if packet[h].has_second else 0)
            if packet[h].kept & ~useful != 0:
                keep(state, h, packet[h].kept & useful)
                changed = True


@njit(cache=True)
def anneal(state, crossable, steps, hot, cold, moving, qubit_every, generator):  # type: ignore[no-untyped-def]
    """Change the state by simulated annealing; return the best (homes, kept copies, places, cost) on the way.

    crossable: the packets for which copies can be kept. steps: moves in all; the temperature falls from `hot` to `cold`
    pairs geometrically. Of ten moves two are of qubits, four of packets, three of phases, one of kept copies
    (Kirkpatrick, Gelatt and Vecchi, Science 220, 1983). moving: whether a qubit may have several homes, one after the
    other. qubit_every: of so many moves of qubits one is made, and one of a packet in place of each other one.
    """
    packet, phase = state.packet, state.phase
    saved = Saved(packet.home.copy(), packet.kept.copy(), phase.place.copy())
    best_home, best_kept, best_place = packet.home.copy(), packet.kept.copy(), phase.place.copy()
    best = cost = total_cost(packet, state.links)
    temperature, cooling = hot, (cold / hot) ** (1 / steps)
    for _ in range(steps):
        kind = _pick(generator, 10)
        if kind < 2 and (qubit_every == 1 or _pick(generator, qubit_every) == 0):
            cost += _try_qubit(state, saved, temperature, moving, generator)
        elif kind < 6:
            cost += _try_packet(state, saved, temperature, generator)
        elif kind < 9 or len(crossable) == 0:
            cost += _try_phase(state, temperature, generator)
        else:
            cost += _try_kept(state, crossable[_pick(generator, len(crossable))], temperature, generator)
        temperature *= cooling
        if cost < best:
            best = cost
            for h in range(len(packet)):
                best_home[h], best_kept[h] = packet[h].home, packet[h].kept
            for g in range(len(phase)):
                best_place[g] = phase[g].place
    return best_home, best_kept, best_place, best
