"""Which gates one copy of a qubit serves: a circuit as interactions between packets.

Every two-qubit gate is local gates around one that is diagonal in the Z basis of both qubits, a controlled phase. A
processor that shares a Bell pair with a qubit's holder can get a copy of the qubit's Z value (Eisert et al., PRA 62,
052317, 2000), and do any number of controlled phases with it: until a local gate mixes the values 0 and 1. The gates
between two such mixing gates are a packet (Andres-Martinez and Heunen, PRA 100, 032308, 2019).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

NEGLIGIBLE = 1e-9
"""Entries of a unitary below this are rounding."""


@dataclass(frozen=True)
class LocalGate:
    """A gate on one qubit. matrix: unitary, (2, 2)."""

    qubit: int
    matrix: NDArray[np.complex128]


@dataclass(frozen=True)
class ControlledPhase:
    """The phase `angle` (rad) on |11> of two qubits."""

    first: int
    second: int
    angle: float


Gate = LocalGate | ControlledPhase


@dataclass(frozen=True)
class Packets:
    """A circuit's controlled phases and the packets that they belong to.

    owner: the qubit of each packet, (packets,), ascending, a qubit's packets in order of time.
    gates: the two packets of each controlled phase, (gates, 2), in order of time.
    """

    qubits: int
    owner: NDArray[np.int64]
    gates: NDArray[np.int64]


def normal_form(qubits: int, gates: Iterable[Gate]) -> list[Gate]:
    """Merge local gates that follow each other on a qubit, and drop gates that do nothing; phases stay in order.

    Diagonal gates commute with controlled phases and move on to the next gate that does not, or to the end. Raises
    ValueError for a controlled phase on one qubit.
    """
    pending = [np.eye(2, dtype=np.complex128) for _ in range(qubits)]
    found: list[Gate] = []

    def flush(qubit: int) -> None:
        matrix = pending[qubit]
        if not (is_diagonal(matrix) and abs(matrix[0, 0] - matrix[1, 1]) < NEGLIGIBLE):
            found.append(LocalGate(qubit, matrix))
        pending[qubit] = np.eye(2, dtype=np.complex128)

    for gate in gates:
        if isinstance(gate, LocalGate):
            pending[gate.qubit] = gate.matrix @ pending[gate.qubit]
            continue
        if gate.first == gate.second:
            raise ValueError(f"a controlled phase must act on two qubits, got qubit {gate.first} twice")
        if abs(np.exp(1j * gate.angle) - 1) < NEGLIGIBLE:
            continue
        for qubit in (gate.first, gate.second):
            if not is_diagonal(pending[qubit]):
                flush(qubit)
        found.append(gate)
    for qubit in range(qubits):
        flush(qubit)
    return found


def is_diagonal(matrix: NDArray[np.complex128]) -> bool:
    """Decide whether a unitary (2, 2) is diagonal: it commutes with controlled phases."""
    return bool(max(abs(matrix[0, 1]), abs(matrix[1, 0])) < NEGLIGIBLE)


def mixes_values(matrix: NDArray[np.complex128]) -> bool:
    """Decide whether a unitary (2, 2) turns 0 or 1 into a superposition, so that copies of the value must end."""
    return not is_diagonal(matrix) and bool(max(abs(matrix[0, 0]), abs(matrix[1, 1])) >= NEGLIGIBLE)


def packets_of(qubits: int, gates: Iterable[Gate]) -> Packets:
    """Return the packets of a circuit in normal form."""
    number: list[list[int]] = [[] for _ in range(qubits)]  # of the packets of each qubit, in the order they begin
    open_packet: list[int | None] = [None] * qubits
    pairs: list[tuple[int, int]] = []
    count = 0
    for gate in gates:
        if isinstance(gate, LocalGate):
            if mixes_values(gate.matrix):
                open_packet[gate.qubit] = None
            continue
        for qubit in (gate.first, gate.second):
            if open_packet[qubit] is None:
                open_packet[qubit] = count
                number[qubit].append(count)
                count += 1
        first, second = open_packet[gate.first], open_packet[gate.second]
        assert first is not None and second is not None
        pairs.append((first, second))
    order = [packet for of_qubit in number for packet in of_qubit]
    place = np.empty(count, dtype=np.int64)
    place[order] = np.arange(count)
    owner = np.array([q for q, of_qubit in enumerate(number) for _ in of_qubit], dtype=np.int64)
    return Packets(qubits, owner, place[np.array(pairs, dtype=np.int64).reshape(-1, 2)])
