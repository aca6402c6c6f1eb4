"""Which gates one copy of a qubit serves: a circuit as interactions between packets.

Every two-qubit gate is local gates around one that is diagonal in the Z basis of both qubits, a controlled phase. A
processor that shares a Bell pair with a qubit's holder can get a copy of the qubit's Z value (Eisert et al., PRA 62,
052317, 2000), and do any number of controlled phases with it: until a local gate mixes the values 0 and 1. The gates
between two such mixing gates are a packet (Andres-Martinez and Heunen, PRA 100, 032308, 2019).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ceas_ray.quantum.gate_list import ControlledPhase, Gate, mixes_values


@dataclass(frozen=True, eq=False)
class Packets:
    """A circuit in normal form, and the packets that its controlled phases belong to.

    gates: in order of time, see `normal_form`.
    owner: the qubit of each packet, (packets,), ascending, a qubit's packets in order of time; every qubit has one.
    ends: the two packets of each controlled phase, (phases, 2): of its first and of its second qubit.
    begin, end: the controlled phases between which each packet's qubit must be at its home, (packets,): from its first
    one until after its last; a qubit's first packet begins at 0, its last ends with the circuit.
    """

    qubits: int
    gates: tuple[Gate, ...]
    owner: NDArray[np.int64]
    ends: NDArray[np.int64]
    begin: NDArray[np.int64]
    end: NDArray[np.int64]

    @property
    def phases(self) -> list[ControlledPhase]:
        """The controlled phases in order."""
        return [gate for gate in self.gates if isinstance(gate, ControlledPhase)]


def packets_of(qubits: int, gates: Sequence[Gate], shared: bool = True) -> Packets:
    """Return the packets of a circuit in normal form; without `shared`, every gate is a packet of its own."""
    found: list[list[tuple[int, int]]] = [[] for _ in range(qubits)]  # begin and number of each packet of a qubit
    is_open = [False] * qubits
    ends: list[tuple[int, int]] = []
    count = 0
    for gate in gates:
        if not isinstance(gate, ControlledPhase):
            is_open[gate.qubit] &= not mixes_values(gate.matrix)
            continue
        for qubit in (gate.first, gate.second):
            if not is_open[qubit]:
                found[qubit].append((len(ends) if found[qubit] else 0, count))
                count += 1
            is_open[qubit] = shared
        ends.append((found[gate.first][-1][1], found[gate.second][-1][1]))
    for of_qubit in found:
        if not of_qubit:
            of_qubit.append((0, count))
            count += 1
    place = np.empty(count, dtype=np.int64)
    place[[number for of_qubit in found for _, number in of_qubit]] = np.arange(count)
    owner = np.repeat(np.arange(qubits), [len(of_qubit) for of_qubit in found])
    begin = np.array([begin for of_qubit in found for begin, _ in of_qubit], dtype=np.int64)
    of_phases = place[np.array(ends, dtype=np.int64).reshape(-1, 2)]
    end = np.zeros(count, dtype=np.int64)
    np.maximum.at(end, of_phases, np.arange(1, len(ends) + 1)[:, None])
    end[np.append(owner[1:] != owner[:-1], True)] = len(ends) + 1
    return Packets(qubits, tuple(gates), owner, of_phases, begin, end)
