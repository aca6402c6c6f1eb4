"""A distribution that the compiled search of `PackedDistributor` changes step by step, and what each change costs."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ceas_ray.distribution.packets import Packets
from ceas_ray.distribution.processor_network import MAX_PROCESSORS, ProcessorNetwork
from ceas_ray.kernel.compiled_code import njit

PACKET = np.dtype([
    (name, np.int64) for name in (
        "home", "kept", "used", "owner", "has_next", "has_second", "crossable", "first_phase", "end_of_phases", "begin",
        "end",
    )
])  # fmt: skip
"""A packet. home, kept: as in `Distribution`; used: processors that use the value, as bits; has_next, has_second:
whether its qubit has one more packet, and two; its phases are phase_of[first_phase : end_of_phases]. Its qubit must be
at home in the epochs begin to end - 1, and it is there until the next packet's begin if it stays."""
PHASE = np.dtype([(name, np.int64) for name in ("first", "second", "place")])
"""A controlled phase: the packets of its qubits, and where it is done."""


class State(NamedTuple):
    """A distribution, and the tables that price it.

    packet (packets,), phase (phases,): records, see above. count: uses of each packet's value at each processor,
    (packets, P). held: qubits at each processor in each epoch, (P, epochs). links: of the smallest forest, by the row
    of what has the value already (see `cost_of`) and the bits of where it is needed. room (P,). phase_of: phases of
    packet after packet. packet_start: the first packet of each qubit, and their number, (qubits + 1,).
    """

    packet: Any
    phase: Any
    count: Any
    held: Any
    links: Any
    room: Any
    phase_of: Any
    packet_start: Any


def state_of(packets: Packets, network: ProcessorNetwork, start: Any, moving: bool) -> State:
    """Return the state with these homes, places and kept copies; without `moving`, all time is one epoch."""
    members = packets.ends.ravel()
    order = np.argsort(members, kind="stable")
    starts = np.searchsorted(members[order], np.arange(len(packets.owner) + 1))
    of_qubit = np.searchsorted(packets.owner, np.arange(packets.qubits + 1))
    packet, phase = np.zeros(len(packets.owner), PACKET), np.zeros(len(packets.ends), PHASE)
    packet["owner"], packet["first_phase"], packet["end_of_phases"] = packets.owner, starts[:-1], starts[1:]
    packet["has_next"][:-1] = packets.owner[1:] == packets.owner[:-1]
    packet["has_second"][:-2] = packets.owner[2:] == packets.owner[:-2]
    packet["crossable"] = packets.crossable & network.prices_forests
    if moving:
        _, inverse = np.unique(np.concatenate([packets.begin, packets.end]), return_inverse=True)
        packet["begin"], packet["end"] = inverse[: len(packet)], inverse[len(packet) :]
    else:  # a qubit's first packet stands for all of them
        packet["begin"], packet["end"] = 1, 1
        packet["begin"][of_qubit[:-1]] = 0
    packet["home"], phase["place"] = start[0], start[1]
    phase["first"], phase["second"] = packets.ends[:, 0], packets.ends[:, 1]
    processors = len(network.room)
    state = State(
        packet, phase, count=np.zeros((len(packet), processors), np.int64),
        held=np.zeros((processors, max(packet["end"])), np.int64), links=links_table(network), room=network.room,
        phase_of=order // 2, packet_start=of_qubit,
    )  # fmt: skip
    fill(state, start[2])
    return state


def links_table(network: ProcessorNetwork) -> Any:
    """Return the rows for each home alone, then (if they are priced) for each set that has the value."""
    everywhere = np.arange(len(network.tree_costs))
    homes = np.zeros((MAX_PROCESSORS, len(everywhere)), np.int64)
    for home in range(len(network.room)):
        homes[home] = network.tree_costs[everywhere | 1 << home]
    return np.concatenate([homes, network.forest_costs]) if network.prices_forests else homes


@njit(cache=True)
def fill(state, kept):  # type: ignore[no-untyped-def]
    """Count what the homes, places and kept copies of a new state use; copies that cannot be kept are not."""
    for g in range(len(state.phase)):
        place = state.phase[g].place
        use(state.packet, state.count, state.phase[g].first, place, 1)
        use(state.packet, state.count, state.phase[g].second, place, 1)
    for h in range(len(state.packet)):
        hold(state.packet, state.held, h, 1)
        hold_between(state.packet, state.held, h, 1)
    for h in range(len(state.packet)):
        keep(state, h, keepable(state, h, kept[h]))


@njit(cache=True)
def use(packet, count, h, processor, change):  # type: ignore[no-untyped-def]
    """Use a packet's value once more or less at a processor."""
    count[h, processor] += change
    if count[h, processor] == 0:
        packet[h].used &= ~(1 << processor)
    else:
        packet[h].used |= 1 << processor


@njit(cache=True)
def hold(packet, held, h, change):  # type: ignore[no-untyped-def]
    """Hold a packet's qubit at its home."""
    home = packet[h].home
    for epoch in range(packet[h].begin, packet[h].end):
        held[home, epoch] += change


@njit(cache=True)
def hold_between(packet, held, h, change):  # type: ignore[no-untyped-def]
    """Hold it there from a packet to the next one, if the qubit stays."""
    home = packet[h].home
    if packet[h].has_next and home == packet[h + 1].home:
        for epoch in range(packet[h].end, packet[h + 1].begin):
            held[home, epoch] += change


@njit(cache=True)
def cost_of(packet, links, h):  # type: ignore[no-untyped-def]
    """Return the links from the home and the copies that were kept to all places where the value is needed."""
    return cost_with(packet, links, h, packet[h].used)


@njit(cache=True)
def cost_with(packet, links, h, used):  # type: ignore[no-untyped-def]
    """Return `cost_of` a packet if these processors (bits) used its value."""
    needed, home, kept = used, packet[h].home, packet[h].kept
    if packet[h].has_next:
        needed |= 1 << packet[h + 1].home
    if packet[h].has_second:
        needed |= packet[h + 2].kept
    return links[home if kept == 0 else MAX_PROCESSORS + (kept | 1 << home), needed]


@njit(cache=True)
def total_cost(packet, links):  # type: ignore[no-untyped-def]
    """Return the Bell pairs of a state."""
    total = 0
    for h in range(len(packet)):
        total += cost_of(packet, links, h)
    return total


@njit(cache=True)
def put(packet, phase, count, links, g, processor):  # type: ignore[no-untyped-def]
    """Do a phase elsewhere; return the change of the cost."""
    old = phase[g].place
    phase[g].place = processor
    change = _move_use(packet, count, links, phase[g].first, old, processor)
    return change + _move_use(packet, count, links, phase[g].second, old, processor)


@njit(cache=True)
def _move_use(packet, count, links, h, old, processor):  # type: ignore[no-untyped-def]
    """Use a packet's value once at another processor; return the change of its cost, which often is none."""
    count[h, old] -= 1
    count[h, processor] += 1
    before, after = packet[h].used, packet[h].used | 1 << processor
    if count[h, old] == 0:
        after &= ~(1 << old)
    if after == before:
        return 0
    packet[h].used = after
    return cost_with(packet, links, h, after) - cost_with(packet, links, h, before)


@njit(cache=True)
def put_best(packet, phase, count, links, g):  # type: ignore[no-untyped-def]
    """Do a phase where it costs least now (the lowest of equals, but where it is if that is one of them)."""
    a, b, start = phase[g].first, phase[g].second, phase[g].place
    used_a, used_b = packet[a].used, packet[b].used
    if count[a, start] == 1:
        used_a &= ~(1 << start)
    if count[b, start] == 1:
        used_b &= ~(1 << start)
    now, best, least = cost_of(packet, links, a) + cost_of(packet, links, b), start, 0
    for p in range(count.shape[1]):
        if p != start:
            there = cost_with(packet, links, a, used_a | 1 << p) + cost_with(packet, links, b, used_b | 1 << p)
            if there - now < least:
                best, least = p, there - now
    if best != start:
        put(packet, phase, count, links, g, best)
    return least


@njit(cache=True)
def keepable(state, h, copies):  # type: ignore[no-untyped-def]
    """Return which of these copies (bits) can be kept over the packet before.

    Its qubit must stay. No copies may be kept over the other packet of any phase in between, nor over this packet, nor
    for the one before.
    """
    packet = state.packet
    if copies == 0 or not packet[h].crossable:
        return 0
    home = packet[h].home
    if packet[h - 1].home != home or packet[h - 2].home != home:
        return 0
    if packet[h - 1].kept != 0 or (packet[h].has_next and packet[h + 1].kept != 0):
        return 0
    for k in range(packet[h - 1].first_phase, packet[h - 1].end_of_phases):
        other = state.phase[state.phase_of[k]].first + state.phase[state.phase_of[k]].second - (h - 1)
        if packet[other].has_next and packet[other + 1].kept != 0:
            return 0
    return copies & ~(1 << home)


@njit(cache=True)
def keep(state, h, copies):  # type: ignore[no-untyped-def]
    """Keep these copies (bits) for a packet over the one before; return the change of the cost.

    What flips the qubit in between must flip the copies: its value is needed there.
    """
    packet, phase, links = state.packet, state.phase, state.links
    changed = packet[h].kept ^ copies
    if changed == 0:
        return 0
    before = cost_of(packet, links, h) + cost_of(packet, links, h - 2)
    packet[h].kept = copies
    change = cost_of(packet, links, h) + cost_of(packet, links, h - 2) - before
    for k in range(packet[h - 1].first_phase, packet[h - 1].end_of_phases):
        g = state.phase_of[k]
        other = phase[g].first + phase[g].second - (h - 1)
        before = cost_of(packet, links, other)
        for p in range(state.count.shape[1]):
            if changed >> p & 1:
                use(packet, state.count, other, p, 1 if copies >> p & 1 else -1)
        change += cost_of(packet, links, other) - before
    return change


@njit(cache=True)
def rehome(packet, held, links, h, processor):  # type: ignore[no-untyped-def]
    """Hold the qubit of a packet elsewhere; return the change of the cost."""
    if packet[h].home == processor:
        return 0
    has_previous = h > 0 and packet[h - 1].has_next
    before = cost_of(packet, links, h) + (cost_of(packet, links, h - 1) if has_previous else 0)
    for change in (-1, 1):
        hold(packet, held, h, change)
        hold_between(packet, held, h, change)
        if has_previous:
            hold_between(packet, held, h - 1, change)
        packet[h].home = processor
    return cost_of(packet, links, h) + (cost_of(packet, links, h - 1) if has_previous else 0) - before
