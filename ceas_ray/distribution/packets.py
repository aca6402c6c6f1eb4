"""Which gates one copy of a qubit serves: a circuit as interactions between packets.

Every two-qubit gate is local gates around one that is diagonal in the Z basis of both qubits, a controlled phase. A
processor that shares a Bell pair with a qubit's holder can get a copy of the qubit's Z value (Eisert et al., PRA 62,
052317, 2000), and do any number of controlled phases with it: until a local gate mixes the values 0 and 1. The gates
between two such mixing gates are a packet (Andres-Martinez and Heunen, PRA 100, 032308, 2019).

Copies may outlive a packet: if the gates of the next one, with the mixing gates around it, only flip the qubit, each as
the value of another qubit has it (as the CX whose target it is), then copies that are flipped alike are good again
after it (Andres-Martinez et al., Quantum Sci. Technol. 9, 2024: embedding). No phase may flip two
qubits so, and no copies of the packet in between may be kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ceas_ray.quantum.gate_list import NEGLIGIBLE, ControlledPhase, Gate, LocalGate, is_diagonal, mixes_values


@dataclass(frozen=True, eq=False)
class Packets:
    """A circuit in normal form, and the packets that its controlled phases belong to.

    gates: in order of time, see `normal_form`.
    owner: the qubit of each packet, (packets,), ascending, a qubit's packets in order of time; every qubit has one.
    ends: the two packets of each controlled phase, (phases, 2): of its first and of its second qubit.
    begin, end: the controlled phases between which each packet's qubit must be at its home, (packets,): from its first
    one until after its last; a qubit's first packet begins at 0, its last ends with the circuit.
    crossable: whether copies of the qubit's packet before the last one may be kept for this packet, (packets,).
    """

    qubits: int
    gates: tuple[Gate, ...]
    owner: NDArray[np.int64]
    ends: NDArray[np.int64]
    begin: NDArray[np.int64]
    end: NDArray[np.int64]
    crossable: NDArray[np.bool_]

    @property
    def phases(self) -> list[ControlledPhase]:
        """The controlled phases in order."""
        return [gate for gate in self.gates if isinstance(gate, ControlledPhase)]


def packets_of(qubits: int, gates: Sequence[Gate], shared: bool = True) -> Packets:
    """Return the packets of a circuit in normal form; without `shared`, every gate is a packet of its own."""
    found: list[list[_Packet]] = [[] for _ in range(qubits)]
    before: list[LocalGate | None] = [None] * qubits  # the mixing gate since a qubit's last packet
    is_open = [False] * qubits
    ends: list[tuple[_Packet, _Packet]] = []
    for gate in gates:
        if not isinstance(gate, ControlledPhase):
            if mixes_values(gate.matrix):
                is_open[gate.qubit], before[gate.qubit] = False, gate
            elif is_open[gate.qubit]:
                found[gate.qubit][-1].only_full_phases = False
            continue
        for qubit in (gate.first, gate.second):
            if not is_open[qubit]:
                begin = len(ends) if found[qubit] else 0
                found[qubit].append(_Packet(begin, before[qubit]))
            is_open[qubit], before[qubit] = shared, None
            found[qubit][-1].only_full_phases &= abs(np.exp(1j * gate.angle) + 1) < NEGLIGIBLE
        ends.append((found[gate.first][-1], found[gate.second][-1]))
    for of_qubit in found:
        if not of_qubit:
            of_qubit.append(_Packet(0, None))
    number = {id(packet): k for k, packet in enumerate(packet for of_qubit in found for packet in of_qubit)}
    owner = np.repeat(np.arange(qubits), [len(of_qubit) for of_qubit in found])
    begins = np.array([packet.begin for of_qubit in found for packet in of_qubit], dtype=np.int64)
    of_phases = np.array([[number[id(a)], number[id(b)]] for a, b in ends], dtype=np.int64).reshape(-1, 2)
    end = np.zeros(len(owner), dtype=np.int64)
    np.maximum.at(end, of_phases, np.arange(1, len(ends) + 1)[:, None])
    end[np.append(owner[1:] != owner[:-1], True)] = len(ends) + 1
    crossable = np.array([_is_crossable(of_qubit, k) for of_qubit in found for k in range(len(of_qubit))])
    return Packets(qubits, tuple(gates), owner, of_phases, begins, end, crossable)


@dataclass(eq=False)
class _Packet:
    """begin: number of its first phase; mixed_by: the gate before it; only_full_phases: of pi, and no flip between."""

    begin: int
    mixed_by: LocalGate | None
    only_full_phases: bool = True


def _is_crossable(of_qubit: list[_Packet], index: int) -> bool:
    """Decide whether all that happens between two packets of a qubit flips it if an odd number of phases acts, only."""
    if index < 2 or not of_qubit[index - 1].only_full_phases:
        return False
    first, second = of_qubit[index - 1].mixed_by, of_qubit[index].mixed_by
    if first is None or second is None:
        return False
    once = second.matrix @ np.diag([1, -1]) @ first.matrix
    return is_diagonal(second.matrix @ first.matrix) and not is_diagonal(once) and not mixes_values(once)
