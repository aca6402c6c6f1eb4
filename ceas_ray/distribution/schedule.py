"""When the steps of a distributed circuit are done: layers, the pairs of each, and the memories that nodes need."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from ceas_ray.distribution.program import Apply, Copy, EndCopy, Flip, PhaseGate, Place, Program, Step
from ceas_ray.quantum.gate_list import mixes_values


@dataclass(frozen=True)
class Schedule:
    """layer: of each step of the program, from 0; every qubit is in one step of a layer at most.

    A copy's pair is there at the begin of its layer, and its near half is free again after it. Corrections of Z are
    kept in mind until the next gate that they do not commute with, and take no layer.
    """

    program: Program
    layer: tuple[int, ...]

    @property
    def depth(self) -> int:
        """Number of layers."""
        return max(self.layer, default=-1) + 1

    @cached_property
    def order(self) -> list[int]:
        """The steps by layer; in a layer as in the program."""
        return sorted(range(len(self.layer)), key=lambda step: (self.layer[step], step))

    @property
    def pairs_by_layer(self) -> list[tuple[int, str, str]]:
        """The Bell pairs in order of time: layer, node of the near half, node of the far half."""
        names, found = self.program.nodes, []
        for step in self.order:
            copy = self.program.steps[step]
            if isinstance(copy, Copy):
                found.append((self.layer[step], names[copy.near.node], names[copy.far.node]))
        return found

    @cached_property
    def lifetimes(self) -> dict[Place, tuple[int, int]]:
        """The first and the last layer in which each place is in use."""
        begins = dict.fromkeys(self.program.start, 0)
        ends = dict.fromkeys(self.program.end, max(self.depth - 1, 0))
        for step, layer in zip(self.program.steps, self.layer, strict=True):
            if isinstance(step, Copy):
                begins |= {step.near: layer, step.far: layer}
                ends[step.near] = layer
            elif isinstance(step, EndCopy):
                ends[step.at] = layer
        return {place: (begins[place], ends[place]) for place in begins}

    @cached_property
    def register(self) -> dict[Place, int]:
        """A number for each place among those of its node, the lowest that is free then."""
        numbers: dict[Place, int] = {}
        free_from: dict[int, list[int]] = {}
        for place, (begin, end) in sorted(self.lifetimes.items(), key=lambda item: (item[1][0], item[0])):
            busy_until = free_from.setdefault(place.node, [])
            number = next((k for k, until in enumerate(busy_until) if until < begin), len(busy_until))
            busy_until[number : number + 1] = [end]
            numbers[place] = number
        return numbers

    def memories(self, room: Sequence[int]) -> dict[str, int]:
        """Return the qubits that each node needs at once for halves, copies, and qubits beyond its room.

        room: qubits that each node holds, (nodes,).
        """
        holders = self._holder_lifetimes()
        found = {}
        for node, name in enumerate(self.program.nodes):
            used = Counter(self._layers(span for place, span in self.lifetimes.items() if place.node == node))
            held = Counter(self._layers(span for place, span in holders if place.node == node))
            found[name] = max((count - min(held[layer], room[node]) for layer, count in used.items()), default=0)
        return found

    def _holder_lifetimes(self) -> list[tuple[Place, tuple[int, int]]]:
        """Return which place, from when to when, is the holder of a qubit."""
        since = dict.fromkeys(self.program.start, 0)
        found = []
        for step, layer in zip(self.program.steps, self.layer, strict=True):
            if isinstance(step, EndCopy) and step.at in since:
                found.append((step.at, (since.pop(step.at), layer)))
                since[step.holder] = layer + 1
        return found + [(place, (begin, max(self.depth - 1, 0))) for place, begin in since.items()]

    @staticmethod
    def _layers(spans: Iterable[tuple[int, int]]) -> Iterable[int]:
        return (layer for begin, end in spans for layer in range(begin, end + 1))


def schedule_of(program: Program) -> Schedule:
    """Return a schedule: steps as early as they can be, then copies as late as that allows, so that pairs are young."""
    layers: list[int] = []
    busy: dict[Place, set[int]] = {}
    free: dict[Place, int] = {}  # the first layer after all steps of a place so far
    corrected: dict[Place, int] = {}  # the first layer after all corrections of a place so far
    mixed: dict[Place, int] = {}  # the first layer after all mixing gates of a place so far
    for step in program.steps:
        places = places_of(step)
        layer = max(free.get(place, 0) for place in places)
        if isinstance(step, EndCopy):
            layer = max(layer, corrected.get(step.at, 0), min(busy.get(step.holder, {-1})) + 1)
            layer = max(layer, mixed.get(step.holder, 0))
            corrected[step.holder] = max(layer + 1, corrected.get(step.holder, 0))
        elif isinstance(step, Apply) and mixes_values(step.matrix):
            layer = max(layer, corrected.get(step.at, 0))
            mixed[step.at] = layer + 1
        layers.append(layer)
        for place in places:
            busy.setdefault(place, set()).add(layer)
            free[place] = layer + 1
    return Schedule(program, tuple(_copies_later(program, layers, busy)))


def places_of(step: Step) -> tuple[Place, ...]:
    """Return the places that a step works on in its layer."""
    if isinstance(step, Apply):
        return (step.at,)
    if isinstance(step, PhaseGate):
        return (step.first, step.second)
    if isinstance(step, Flip):
        return (step.control, step.target)
    return (step.source, step.near, step.far) if isinstance(step, Copy) else (step.at,)


def _copies_later(program: Program, layers: list[int], busy: dict[Place, set[int]]) -> list[int]:
    """Move each copy to the last layer before its first use in which its source is free; nothing else moves."""
    never = max(layers, default=0) + 1
    until: dict[Place, int] = {}  # the first layer in which a later step of the program works on the place
    holds: dict[Place, int] = {}  # the first in which another copy of what it holds ends
    for number in range(len(layers) - 1, -1, -1):
        step, layer = program.steps[number], layers[number]
        if isinstance(step, Copy):
            taken = busy[step.source] - {layer}
            first_use = min(until.get(step.far, never), holds.get(step.far, never))
            last = min(first_use, until.get(step.source, never)) - 1
            layer = next(later for later in range(last, layer - 1, -1) if later not in taken)
            busy[step.source] = taken | {layer}
            layers[number] = layer
        elif isinstance(step, EndCopy):
            holds[step.holder] = min(layer, holds.get(step.holder, layer))
        for place in places_of(step):
            until[place] = min(layer, until.get(place, layer))
    return layers
