"""A circuit of the user's own as the arrays that its compiled passes take."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ceas_ray.quantum import gate_steps
from ceas_ray.quantum.gate_circuit import Entangler, FixedGate, Gate, GateCircuit, Rotation
from ceas_ray.quantum.gate_sharing import Move, PairStep, QubitWait, Teleportation, ValueCopy, Wait

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Complexes = NDArray[np.complex128]

_Matrix = tuple[float, ...]
_Axes = tuple[tuple[float, float, float], ...]

PAULIS: dict[str, Complexes] = {
    "I": np.eye(2, dtype=np.complex128),
    "X": np.array([[0, 1], [1, 0]], np.complex128),
    "Y": np.array([[0, -1j], [1j, 0]], np.complex128),
    "Z": np.diag([1, -1]).astype(np.complex128),
}


class Tables(NamedTuple):
    """A circuit as arrays, see `gate_kernels.Problem`. weights (T,); touched (T, n): which qubits a term measures."""

    kinds: Integers
    qubits: Integers
    numbers: Integers
    rotations: Integers
    trained: Integers
    partners: Integers
    signs: Floats
    matrices: Floats
    terms: Integers
    weights: Floats
    touched: NDArray[np.bool_]
    starts: Integers
    sections: Integers
    sectors: Integers
    shifts: Integers
    places: Integers


@cache
def tables_of(circuit: GateCircuit) -> Tables:
    """Return the tables of a circuit."""
    rows, names, of_gates, axes = _rows(circuit)
    columns = np.array(rows, np.int64).reshape(-1, len(_Row._fields)).T
    kinds, *both, numbers, rotations, trained, places = (np.ascontiguousarray(column) for column in columns)
    found = [_entangler_table(name) if name in ("cx", "cz") else _rotation_table(name) for name in names]
    fixed = [transfer_matrix(FixedGate(0, matrix).unitary)[1:, 1:] for matrix in of_gates]
    numbers[kinds == gate_steps.COPIED_QUBIT_WAIT] += len(fixed)
    fixed += [_frame(of_values) for of_values in axes]
    return Tables(
        kinds,
        np.ascontiguousarray(np.stack(both, axis=1)),
        numbers,
        rotations,
        trained,
        np.array([partners for partners, _ in found], np.int64).reshape(-1, 16),
        np.array([signs for _, signs in found], np.float64).reshape(-1, 16),
        np.array(fixed, np.float64).reshape(-1, 3, 3),
        *_measured(circuit),
        *_shared(circuit),
        places,
    )


class _Row(NamedTuple):
    kind: int
    first: int
    second: int
    number: int
    rotation: int = -1
    trained: int = -1
    place: int = -1


def _rows(circuit: GateCircuit) -> tuple[list[_Row], list[str], list[_Matrix], list[_Axes]]:
    """Return a row for each step, and what their numbers count: names of gates; matrices, and behind them axes."""
    names: dict[str, int] = {}
    matrices: dict[_Matrix, int] = {}
    steps = _steps(circuit)
    axes, rows, rotation = dict[_Axes, int](), [], 0
    place = {number: r for r, number in enumerate(circuit.trained)}
    for step in steps:
        if isinstance(step, QubitWait) and step.is_copied:
            number = axes.setdefault(step.axes, len(axes))
            rows.append(_Row(gate_steps.COPIED_QUBIT_WAIT, step.qubit, -1, number, place=step.column))
        elif isinstance(step, PairStep):
            rows.append(_pair_row(step))
        elif isinstance(step, FixedGate):
            number = matrices.setdefault(step.matrix, len(matrices))
            rows.append(_Row(gate_steps.FIXED, step.qubit, -1, number))
        elif isinstance(step, Entangler):
            number = names.setdefault(step.name, len(names))
            rows.append(_Row(gate_steps.PERMUTATION, *step.qubits, number))
        else:
            number = names.setdefault(step.pauli, len(names))
            second = step.qubits[1] if len(step.qubits) > 1 else -1
            rows.append(_Row(gate_steps.ROTATION, step.qubits[0], second, number, rotation, place.get(rotation, -1)))
            rotation += 1
    return rows, list(names), list(matrices), list(axes)


def _pair_row(step: PairStep) -> _Row:
    if isinstance(step, Teleportation):
        return _Row(gate_steps.TELEPORTATION, step.qubit, -1, -1, place=step.place)
    if isinstance(step, Move):
        return _Row(gate_steps.MOVE, step.qubit, -1, "IXYZ".index(step.pauli))
    if isinstance(step, Wait):
        return _Row(gate_steps.WAIT, step.qubit, -1, "IXYZ".index(step.pauli), place=step.column)
    if isinstance(step, QubitWait):
        return _Row(gate_steps.QUBIT_WAIT, step.qubit, -1, -1, place=step.column)
    return _Row(gate_steps.VALUE_COPY, step.qubit, -1, "IXYZ".index(step.pauli), place=step.place)


def _frame(axes: Sequence[tuple[float, float, float]]) -> Floats:
    """Return three axes at right angles as rows, (3, 3), which begin with these, at most two."""
    found = [np.array(axis) for axis in axes]
    for axis in np.eye(3):
        if len(found) < 2 and all(abs(axis @ other) < 0.9 for other in found):
            along = axis - sum(((axis @ other) * other for other in found), np.zeros(3))
            found.append(along / np.linalg.norm(along))
    first, second = found
    return np.array([first, second, np.cross(first, second)])


def _steps(circuit: GateCircuit) -> list[Gate | PairStep]:
    """Return the gates, and before them what shared circuits do with pairs."""
    before: dict[int, list[PairStep]] = {}
    for number, step in () if circuit.sharing is None else circuit.sharing.steps:
        before.setdefault(number, []).append(step)
    found: list[Gate | PairStep] = []
    for number, gate in enumerate(circuit.gates):
        found += [*before.get(number, ()), gate]
    return found


def _shared(circuit: GateCircuit) -> tuple[Integers, Integers, Integers]:
    """Return sections, sectors and shifts of `Tables`."""
    sharing, steps = circuit.sharing, _steps(circuit)
    count = len(steps)
    sections, sectors, shifts = np.zeros(count, np.int64), np.ones(count, np.int64), np.zeros((count, 16), np.int64)
    if sharing is None:
        return sections, sectors, shifts
    last_use, gate = _last_uses(steps, sharing.flags), 0
    ends: dict[int, int] = {}  # of each flag in use, the last step that does
    for number, step in enumerate(steps):
        if isinstance(step, ValueCopy):
            ends[step.flag] = last_use[number]
            shifts[number, :2] = 1 << step.flag, step.kept
        elif isinstance(step, Wait):
            shifts[number, :2] = step.flips, step.kept
        elif isinstance(step, QubitWait):
            shifts[number, : len(step.flips)] = step.flips
        elif isinstance(step, Move):
            shifts[number, 0] = step.flags
        sectors[number] = 1 << (max((flag for flag, end in ends.items() if end >= number), default=-1) + 1)
        sections[number] = sharing.sections[min(gate, len(circuit.gates) - 1)]
        if not isinstance(step, PairStep):
            if any(sharing.flags[gate]):
                shifts[number] = _shifts(step, sharing.flags[gate])
            gate += 1
    return sections, sectors, shifts


def _last_uses(steps: Sequence[Gate | PairStep], flags: Sequence[tuple[int, int]]) -> dict[int, int]:
    """Return the last step that uses the flag of each copy, by the copy's step. flags: of each gate, see `Sharing`."""
    found: dict[int, int] = {}
    copies: dict[int, int] = {}  # the step of the last copy with each flag
    of_gates = iter(flags)
    for number, step in enumerate(steps):
        used = 0
        if isinstance(step, ValueCopy):
            copies[step.flag] = found[number] = number
        elif isinstance(step, Move):
            used = step.flags
        elif not isinstance(step, PairStep):
            first, second = next(of_gates)
            used = first | second
        for flag, copy in copies.items():
            if used >> flag & 1:
                found[copy] = number
    return found


def _shifts(gate: Gate, flags: tuple[int, int]) -> Integers:
    """Return the flags on which the sign of each coefficient's source depends, (16,), as bits."""
    first, second = flags
    found = np.zeros(16, np.int64)
    if isinstance(gate, Rotation):
        found[np.flatnonzero(_rotation_table(gate.pauli)[1])] = first ^ second
        return found
    assert isinstance(gate, Entangler), "a gate on one qubit uses no copy"
    adds = (3, 1 if gate.name == "cx" else 3)  # what a flipped value of the other side adds to each side
    for p in range(16):
        letters = p & 3, p >> 2
        anticommutes = [letter not in (0, added) for letter, added in zip(letters, adds, strict=True)]
        found[p] = (second if anticommutes[0] else 0) ^ (first if anticommutes[1] else 0)
    return found


def _measured(circuit: GateCircuit) -> tuple[Integers, Floats, NDArray[np.bool_], Integers]:
    """Return terms, weights, touched and starts of `Tables`."""
    terms = [term for observable in circuit.observables for term in observable]
    digits = np.array([["IXYZ".index(letter) for letter in reversed(pauli)] for _, pauli in terms], np.int64)
    index = digits @ 4 ** np.arange(circuit.qubits)
    starts = np.cumsum([0, *(len(observable) for observable in circuit.observables)])
    return index, np.array([weight for weight, _ in terms]), digits > 0, starts.astype(np.int64)


def _strings(qubits: int) -> list[Complexes]:
    """Return all Pauli strings of one or two qubits in the order of a block, the first qubit's digit being the
    lowest.
    """
    paulis = list(PAULIS.values())
    if qubits == 1:
        return paulis
    return [np.asarray(np.kron(second, first), np.complex128) for second in paulis for first in paulis]


def transfer_matrix(unitary: Complexes) -> Floats:
    """Return tr(A U B U^dagger) / 2^n of all Pauli strings A, B: (4, 4) of one qubit, (16, 16) of two (little
    endian).
    """
    strings = _strings(len(unitary) // 2)
    moved = [unitary @ string @ unitary.conj().T for string in strings]
    return np.array([[np.trace(a @ b).real / len(unitary) for b in moved] for a in strings])


def _entangler_table(name: str) -> tuple[Integers, Floats]:
    """Return the partners and signs (16,) of CX or CZ: coefficient p comes from that of its partner."""
    flip = PAULIS["X" if name == "cx" else "Z"]
    projectors = np.diag([1, 0]), np.diag([0, 1])
    found = np.rint(transfer_matrix(np.kron(np.eye(2), projectors[0]) + np.kron(flip, projectors[1])))
    partners = np.argmax(np.abs(found), axis=1)
    return partners, np.take_along_axis(found, partners[:, None], axis=1)[:, 0]


def _rotation_table(pauli: str) -> tuple[Integers, Floats]:
    """Return the partners and signs (16,), 0 where a string commutes: -i P B is sign times A, where B is A's
    partner.
    """
    generator = PAULIS[pauli[0]] if len(pauli) == 1 else np.kron(PAULIS[pauli[1]], PAULIS[pauli[0]])
    strings = _strings(len(pauli))
    partners, signs = np.arange(16), np.zeros(16)
    for a, string in enumerate(strings):
        for b, other in enumerate(strings):
            if np.allclose(generator @ other, -other @ generator):
                overlap = np.trace(string @ (-1j * generator @ other)).real / len(generator)
                if abs(overlap) > 0.5:
                    partners[a], signs[a] = b, np.rint(overlap)
    return partners, signs
