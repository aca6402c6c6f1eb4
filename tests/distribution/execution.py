"""Brute force: distributed programs step by step on state vectors and density matrices, with memories and outcomes."""

from __future__ import annotations

from typing import Any

import numpy as np

from ceas_ray.distribution.program import Apply, Copy, EndCopy, Flip, PhaseGate, Place
from ceas_ray.distribution.schedule import Schedule
from tests.distribution.circuits import HADAMARD, X

Z: Any = np.diag([1, -1]).astype(complex)


class StateVector:
    """Amplitudes of the places that are in use now, one axis of length 2 each."""

    def __init__(self, places: tuple[Place, ...]) -> None:
        self.places = list(places)
        self.amplitudes = np.zeros((2,) * len(places), dtype=complex)
        self.amplitudes[(0,) * len(places)] = 1

    def apply(self, place: Place, matrix: Any) -> None:
        axis = self.places.index(place)
        self.amplitudes = np.moveaxis(np.tensordot(matrix, self.amplitudes, (1, axis)), 0, axis)

    def phase(self, first: Place, second: Place, angle: float) -> None:
        at: list[Any] = [slice(None)] * len(self.places)
        at[self.places.index(first)] = at[self.places.index(second)] = 1
        self.amplitudes[tuple(at)] *= np.exp(1j * angle)

    def add_pair(self, near: Place, far: Place) -> None:
        self.places += [near, far]
        self.amplitudes = np.multiply.outer(self.amplitudes, np.eye(2) / np.sqrt(2))

    def measure(self, place: Place, draw: np.random.Generator) -> int:
        axis = self.places.index(place)
        kept = [np.take(self.amplitudes, outcome, axis) for outcome in (0, 1)]
        chances = [float(np.sum(np.abs(state) ** 2)) for state in kept]
        outcome = int(draw.random() * sum(chances) >= chances[0])
        self.amplitudes = kept[outcome] / np.sqrt(chances[outcome])
        del self.places[axis]
        return outcome


def executed(schedule: Schedule, draw: np.random.Generator) -> Any:
    """The final state of the circuit's qubits, qubit q as bit q of an index; outcomes of measurements are drawn."""
    program = schedule.program
    state = StateVector(program.start)
    for number in schedule.order:
        step = program.steps[number]
        if isinstance(step, Apply):
            state.apply(step.at, step.matrix)
        elif isinstance(step, PhaseGate):
            assert step.first.node == step.second.node
            state.phase(step.first, step.second, step.angle)
        elif isinstance(step, Copy):
            assert step.source.node == step.near.node
            state.add_pair(step.near, step.far)
            state.apply(step.near, HADAMARD)
            state.phase(step.source, step.near, np.pi)
            state.apply(step.near, HADAMARD)
            if state.measure(step.near, draw):
                state.apply(step.far, X)
        elif isinstance(step, Flip):
            state.apply(step.target, HADAMARD)
            state.phase(step.control, step.target, np.pi)
            state.apply(step.target, HADAMARD)
        elif isinstance(step, EndCopy):
            state.apply(step.at, HADAMARD)
            if state.measure(step.at, draw):
                state.apply(step.holder, Z)
    order = [state.places.index(place) for place in reversed(program.end)]
    assert len(order) == len(state.places), "all copies have ended"
    return state.amplitudes.transpose(order).ravel()


def distance(state: Any, wanted: Any) -> float:
    """The largest difference of amplitudes, up to a global phase."""
    return float(np.max(np.abs(state * np.exp(-1j * np.angle(np.vdot(wanted, state))) - wanted)))


class DensityMatrix:
    """A state vector of kets and bras: axes of all places, then the same again."""

    def __init__(self, places: tuple[Place, ...]) -> None:
        self.places = list(places)
        self.entries = np.zeros((2,) * (2 * len(places)), dtype=complex)
        self.entries[(0,) * (2 * len(places))] = 1

    def axes(self, place: Place) -> tuple[int, int]:
        axis = self.places.index(place)
        return axis, axis + len(self.places)

    def apply(self, place: Place, matrix: Any) -> None:
        for axis, factor in zip(self.axes(place), (matrix, matrix.conj()), strict=True):
            self.entries = np.moveaxis(np.tensordot(factor, self.entries, (1, axis)), 0, axis)

    def phase(self, first: Place, second: Place, angle: float) -> None:
        for a, b, sign in zip(self.axes(first), self.axes(second), (1, -1), strict=True):
            at: list[Any] = [slice(None)] * self.entries.ndim
            at[a] = at[b] = 1
            self.entries[tuple(at)] *= np.exp(1j * sign * angle)

    def controlled_not(self, control: Place, target: Place) -> None:
        for a, b in zip(self.axes(control), self.axes(target), strict=True):
            at: list[Any] = [slice(None)] * self.entries.ndim
            at[a] = 1
            self.entries[tuple(at)] = np.flip(self.entries[tuple(at)], b - (a < b)).copy()

    def add_pair(self, near: Place, far: Place, weights: Any) -> None:
        paulis = (np.eye(2), np.array([[0, -1j], [1j, 0]]), X, Z)
        kets = [np.einsum("fg,ng->nf", pauli, np.eye(2) / np.sqrt(2)) for pauli in paulis]
        pair = sum(weight * np.multiply.outer(ket, ket.conj()) for weight, ket in zip(weights, kets, strict=True))
        count = len(self.places)
        both = np.multiply.outer(self.entries, pair)
        order = [*range(count), 2 * count, 2 * count + 1, *range(count, 2 * count), 2 * count + 2, 2 * count + 3]
        self.entries = both.transpose(order)
        self.places += [near, far]

    def measured_with(self, place: Place, other: Place, correction: Any) -> None:
        """Measure a place; an outcome of 1 is answered by the correction on another one."""
        ket, bra = self.axes(place)
        found = []
        places = [p for p in self.places if p != place]
        for outcome in (0, 1):
            kept = DensityMatrix(())
            kept.places = places
            kept.entries = np.take(np.take(self.entries, outcome, bra), outcome, ket)
            if outcome:
                kept.apply(other, correction)
            found.append(kept.entries)
        self.places, self.entries = places, found[0] + found[1]


def executed_with(schedule: Schedule, weights: Any) -> Any:
    """The density matrix of the circuit's qubits at the end, with pairs of these weights in the program's order."""
    program = schedule.program
    pair_of = {step: k for k, step in enumerate(s for s in program.steps if isinstance(s, Copy))}
    state = DensityMatrix(program.start)
    for number in schedule.order:
        step = program.steps[number]
        if isinstance(step, Apply):
            state.apply(step.at, step.matrix)
        elif isinstance(step, PhaseGate):
            state.phase(step.first, step.second, step.angle)
        elif isinstance(step, Copy):
            state.add_pair(step.near, step.far, weights[pair_of[step]])
            state.controlled_not(step.source, step.near)
            state.measured_with(step.near, step.far, X)
        elif isinstance(step, Flip):
            state.controlled_not(step.control, step.target)
        else:
            state.apply(step.at, HADAMARD)
            state.measured_with(step.at, step.holder, Z)
    axes = [state.places.index(place) for place in reversed(program.end)]
    size = 2 ** len(axes)
    return state.entries.transpose([*axes, *(axis + len(axes) for axis in axes)]).reshape(size, size)


def most_at_once(schedule: Schedule) -> int:
    """The largest number of qubits in use at a time, halves of pairs included, step after step."""
    found = now = len(schedule.program.start)
    for number in schedule.order:
        step = schedule.program.steps[number]
        if isinstance(step, Copy):
            found = max(found, now + 2)
            now += 1  # the near half is measured
        elif isinstance(step, EndCopy):
            now -= 1
    return found
