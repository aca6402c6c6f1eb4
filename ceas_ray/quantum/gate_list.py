"""A circuit as a list of gates of one small set: any gate on one qubit, and the controlled phase on two."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

NEGLIGIBLE = 1e-12
"""Entries of a unitary below this are rounding."""


@dataclass(frozen=True, eq=False)
class LocalGate:
    """A gate on one qubit. matrix: unitary, (2, 2)."""

    qubit: int
    matrix: NDArray[np.complex128]


@dataclass(frozen=True)
class ControlledPhase:
    """The phase `angle` (rad) on |11> of two qubits. alone: it stands for one gate, with which no other is merged."""

    first: int
    second: int
    angle: float
    alone: bool = False


Gate = LocalGate | ControlledPhase


@dataclass(frozen=True, eq=False)
class GateList:
    """A circuit that starts in |0..0>.

    final: where each of the circuit's own qubits is at the end, (qubits,): swaps are not gates but new names.
    measured: pairs of a qubit (as in `gates`) and the classical bit that it is measured into at the end.
    """

    qubits: int
    gates: tuple[Gate, ...]
    final: tuple[int, ...]
    measured: tuple[tuple[int, int], ...] = ()
    bits: int = 0


def normal_form(qubits: int, gates: Iterable[Gate]) -> list[Gate]:
    """Merge gates that follow each other on the same qubits, and drop gates that do nothing; phases stay in order.

    Diagonal gates commute with controlled phases and move on to the next gate that does not, or to the end; controlled
    phases of the same two qubits without a gate in between that does not commute are one, at the place of the first.
    Raises ValueError for a controlled phase on one qubit.
    """
    pending = [np.eye(2, dtype=np.complex128) for _ in range(qubits)]
    found: list[Gate] = []
    open_phases: dict[tuple[int, int], int] = {}  # that one more of the same qubits would join

    def flush(qubit: int) -> None:
        matrix = pending[qubit]
        if not (is_diagonal(matrix) and abs(matrix[0, 0] - matrix[1, 1]) < NEGLIGIBLE):
            found.append(LocalGate(qubit, matrix))
            for pair in [pair for pair in open_phases if qubit in pair]:
                del open_phases[pair]
        pending[qubit] = np.eye(2, dtype=np.complex128)

    for gate in gates:
        if isinstance(gate, LocalGate):
            pending[gate.qubit] = gate.matrix @ pending[gate.qubit]
            continue
        if gate.first == gate.second:
            raise ValueError(f"a controlled phase must act on two qubits, got qubit {gate.first} twice")
        if _is_nothing(gate):
            continue
        for qubit in (gate.first, gate.second):
            if not is_diagonal(pending[qubit]):
                flush(qubit)
        pair = (-1, -len(found)) if gate.alone else (min(gate.first, gate.second), max(gate.first, gate.second))
        if pair in open_phases:
            found[open_phases[pair]] = _joined(found[open_phases[pair]], gate)
        else:
            open_phases[pair] = len(found)
            found.append(gate)
    for qubit in range(qubits):
        flush(qubit)
    cancelled = any(isinstance(gate, ControlledPhase) and _is_nothing(gate) for gate in found)
    return normal_form(qubits, found) if cancelled else found


def _joined(earlier: Gate, later: ControlledPhase) -> ControlledPhase:
    """Return one controlled phase in place of two on the same qubits."""
    assert isinstance(earlier, ControlledPhase), "phases join phases"
    return ControlledPhase(earlier.first, earlier.second, earlier.angle + later.angle)


def _is_nothing(phase: ControlledPhase) -> bool:
    return not phase.alone and bool(abs(np.exp(1j * phase.angle) - 1) < NEGLIGIBLE)


def is_diagonal(matrix: NDArray[np.complex128]) -> bool:
    """Decide whether a unitary (2, 2) is diagonal, so that it commutes with controlled phases."""
    return bool(max(abs(matrix[0, 1]), abs(matrix[1, 0])) < NEGLIGIBLE)


def mixes_values(matrix: NDArray[np.complex128]) -> bool:
    """Decide whether a unitary (2, 2) turns 0 or 1 into a superposition, so that copies of the value must end."""
    return not is_diagonal(matrix) and bool(max(abs(matrix[0, 0]), abs(matrix[1, 1])) >= NEGLIGIBLE)
