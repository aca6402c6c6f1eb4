"""A circuit of the user's own shared by qubits: a distributor says who holds what, and where its pairs are spent. Ours.

Angles of parameters are unknown when a circuit is distributed, so each rotation about one of them stands for a gate
that commutes with nothing but what it always commutes with.
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ceas_ray.distribution.distribution import Distributor
from ceas_ray.distribution.processor_network import ProcessorNetwork
from ceas_ray.distribution.program import Copy, EndCopy, PhaseGate, Place, Program, program_of
from ceas_ray.quantum.gate_circuit import CONSTANT, Entangler, FixedGate, Gate, GateCircuit, Rotation
from ceas_ray.quantum.gate_list import ControlledPhase, GateList, LocalGate
from ceas_ray.quantum.gate_list import Gate as ListedGate
from ceas_ray.quantum.gate_sharing import Move, PairStep, Sharing, Teleportation, ValueCopy
from ceas_ray.quantum.gate_tables import PAULIS
from ceas_ray.quantum.partition import HUB

Matrix = NDArray[np.complex128]

_HADAMARD: Matrix = np.array([[1, 1], [1, -1]], np.complex128) / np.sqrt(2)
_TO_Z: dict[str, Matrix] = {"X": _HADAMARD, "Y": _HADAMARD @ np.diag([1, -1j]), "Z": PAULIS["I"]}
"""What turns a Pauli operator P into Z, as U P U^dagger."""
_GOLDEN = 0.6180339887498949


def shared_by_qubits(
    circuit: GateCircuit, members: int, distributor: Distributor, lengths: NDArray[np.int64] | None = None
) -> GateCircuit:
    """Return the circuit with the processors of a group holding parts of its qubits, as the distributor has them.

    Each member holds as many qubits, the first ones one more where the number does not divide. lengths: what a pair
    between any two members costs, (members, members), as in links; without it, all cost as much. Where inputs are
    teleported the hub sends each prepared qubit to its member. Raises ValueError for more members than qubits.
    """
    if not 1 <= members <= circuit.qubits:
        raise ValueError(f"the circuit has {circuit.qubits} qubits to share, got {members} processors")
    room = [len(part) for part in np.array_split(np.arange(circuit.qubits), members)]
    every_two = [(a, b) for b in range(members) for a in range(b)]
    costs = () if lengths is None else tuple(int(lengths[a, b]) for a, b in every_two)
    distribution = distributor(listed(circuit), ProcessorNetwork.from_edges(every_two, room, costs))
    program = program_of(distribution)
    walk = _Walk(circuit, program.start)
    for placed in _placed(circuit, program):
        if isinstance(placed.step, Copy):
            walk.copy(placed, placed.step)
        elif isinstance(placed.step, EndCopy):
            walk.end(placed, placed.step)
        else:
            walk.gate(placed.number, placed.step)
    return replace(circuit, sharing=walk.sharing())


class _Placed(NamedTuple):
    """A step: the gate of the circuit that it is, or before which it is done; and the gate on two qubits by whose Pauli
    operator it goes."""

    number: int
    is_gate: bool
    order: int
    beside: int
    step: Copy | EndCopy | PhaseGate


def _placed(circuit: GateCircuit, program: Program) -> list[_Placed]:
    """Return copies, their ends and gates on two qubits in the order in which the circuit does them.

    Copies are made before the next gate on their qubit. Where the qubit moves, that is right behind its last gate on
    two qubits, since what follows on it alone is done where it is then.
    """
    first = circuit.prepared or 0
    two = iter([g for g, gate in enumerate(circuit.gates) if g >= first and len(_qubits(gate)) == 2])
    qubit = {place: q for q, place in enumerate(program.start)}
    holder, behind = list(program.start), [first] * circuit.qubits
    waiting: list[list[tuple[int, Copy | EndCopy]]] = [[] for _ in holder]
    found: list[_Placed] = []

    def put(q: int, number: int, beside: int) -> None:
        found.extend(_Placed(number, False, order, beside, step) for order, step in waiting[q])
        waiting[q] = []

    for order, step in enumerate(program.steps):
        if isinstance(step, Copy):
            q = qubit[step.far] = qubit[step.source]
            waiting[q].append((order, step))
        elif isinstance(step, EndCopy):
            q, moves = qubit[step.at], step.at in holder
            has_waiting = bool(waiting[q])
            waiting[q].append((order, step))
            if moves or not has_waiting:
                put(q, behind[q], behind[q] - 1)
            if moves:
                holder[q] = step.holder
        elif isinstance(step, PhaseGate):
            number = next(two)
            for q in (qubit[step.first], qubit[step.second]):
                put(q, number, number)
                behind[q] = number + 1
            found.append(_Placed(number, True, order, number, step))
    for q in range(circuit.qubits):
        put(q, behind[q], behind[q] - 1)
    return sorted(found, key=lambda placed: placed[:3])


def listed(circuit: GateCircuit) -> GateList:
    """Return what processors do as a list of gates, each gate on two qubits as one controlled phase, in order."""
    found: list[ListedGate] = []
    for number, gate in enumerate(circuit.gates):
        if number >= (circuit.prepared or 0):
            found += _listed(gate, number)
    return GateList(circuit.qubits, tuple(found), tuple(range(circuit.qubits)))


def _listed(gate: Gate, number: int) -> list[ListedGate]:
    if isinstance(gate, FixedGate):
        return [LocalGate(gate.qubit, gate.unitary)]
    angle = _angle(gate, number) if isinstance(gate, Rotation) else np.pi
    if len(_qubits(gate)) == 1:
        assert isinstance(gate, Rotation), "other gates act on two qubits"
        half = angle / 2
        return [LocalGate(gate.qubits[0], np.cos(half) * PAULIS["I"] - 1j * np.sin(half) * PAULIS[gate.pauli])]
    first, second = _qubits(gate)
    turned = [(q, _TO_Z[pauli]) for q, pauli in zip((first, second), _paulis(gate), strict=True) if pauli != "Z"]
    before, after = ([LocalGate(q, matrix) for q, matrix in turned], [LocalGate(q, m.conj().T) for q, m in turned])
    return [*before, ControlledPhase(first, second, angle, alone=True), *after]


def _angle(gate: Rotation, number: int) -> float:
    """Return the angle if it is constant, else one that no other rotation has and that undoes none."""
    if all(term.weight == CONSTANT and not term.inputs for term in gate.terms):
        return sum(term.coefficient for term in gate.terms)
    return 0.5 + (number + 1) * _GOLDEN % 1


def _qubits(gate: Gate) -> tuple[int, ...]:
    return (gate.qubit,) if isinstance(gate, FixedGate) else gate.qubits


def _paulis(gate: Gate) -> str:
    """Return the Pauli operators by which a gate acts on its two qubits."""
    if isinstance(gate, Rotation):
        return gate.pauli
    assert isinstance(gate, Entangler), "a gate on one qubit acts by none"
    return "ZX" if gate.name == "cx" else "ZZ"


class _Walk:
    """Through the steps of a program: which flags each place's value depends on, and what was found so far."""

    def __init__(self, circuit: GateCircuit, start: tuple[Place, ...]) -> None:
        self._circuit, first = circuit, circuit.prepared or 0
        self._ends: list[tuple[int, int]] = []
        self._steps: list[tuple[int, PairStep]] = []
        if circuit.prepared is not None:
            self._ends = [(HUB, place.node) for place in start]
            self._steps = [(first, Teleportation(q, q)) for q in range(circuit.qubits)]
        self._flags = [(0, 0)] * len(circuit.gates)
        self._bits = dict.fromkeys(start, 0)  # of the flags of each place
        self._qubit = {place: q for q, place in enumerate(start)}
        self._holder = list(start)
        self._since = [(0, tuple(place.node for place in start))]  # from which gate on, who holds each qubit

    def copy(self, placed: _Placed, step: Copy) -> None:
        """Make a copy."""
        qubit, used = self._qubit[step.source], 0
        for bits in self._bits.values():
            used |= bits
        flag = next(f for f in range(len(self._bits) + 1) if not used >> f & 1)
        pauli = self._pauli(placed.beside, qubit)
        self._steps.append((placed.number, ValueCopy(qubit, pauli, flag, len(self._ends))))
        self._ends.append((step.near.node, step.far.node))
        self._qubit[step.far], self._bits[step.far] = qubit, self._bits[step.source] | 1 << flag

    def end(self, placed: _Placed, step: EndCopy) -> None:
        """End a copy, or move a qubit to the one that stays; flags on which no other depends are free again."""
        qubit = self._qubit[step.at]
        del self._bits[step.at]
        if step.at != self._holder[qubit]:
            return
        flips = "Z" if self._pauli(placed.beside, qubit) != "Z" else "X"
        moved = self._bits[step.holder]
        self._steps.append((placed.number, Move(qubit, flips, moved)))
        self._holder[qubit] = step.holder
        for place in self._bits:
            if self._qubit[place] == qubit:
                self._bits[place] ^= moved
        self._since.append((placed.number, tuple(place.node for place in self._holder)))

    def gate(self, number: int, step: PhaseGate) -> None:
        """Note the flags that a gate on two qubits depends on."""
        where = _qubits(self._circuit.gates[number])
        assert where == (self._qubit[step.first], self._qubit[step.second]), "gates keep their order"
        self._flags[number] = (self._bits[step.first], self._bits[step.second])

    def sharing(self) -> Sharing:
        """Return all that was found."""
        sections = np.zeros(len(self._circuit.gates), np.int64)
        for section, (begin, _) in enumerate(self._since):
            sections[begin:] = section
        holders = tuple(holder for _, holder in self._since)
        return Sharing(tuple(self._ends), holders, tuple(sections.tolist()), tuple(self._steps), tuple(self._flags))

    def _pauli(self, number: int, qubit: int) -> str:
        """Return the Pauli operator by which a gate on two qubits acts on one of them."""
        gate = self._circuit.gates[number]
        return _paulis(gate)[_qubits(gate).index(qubit)]
