"""A circuit of the user's own shared by qubits: a distributor says who holds what, and where its pairs are spent. Ours.

Angles of parameters are unknown when a circuit is distributed, so each rotation about one of them stands for a gate
that commutes with nothing but what it always commutes with.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ceas_ray.distribution.distribution import Distributor
from ceas_ray.distribution.processor_network import ProcessorNetwork
from ceas_ray.distribution.program import Copy, EndCopy, PhaseGate, Place, program_of
from ceas_ray.quantum.gate_circuit import CONSTANT, Entangler, FixedGate, Gate, GateCircuit, Rotation
from ceas_ray.quantum.gate_list import ControlledPhase, GateList, LocalGate
from ceas_ray.quantum.gate_list import Gate as ListedGate
from ceas_ray.quantum.gate_sharing import PairStep, Sharing, Teleportation, ValueCopy
from ceas_ray.quantum.gate_tables import PAULIS
from ceas_ray.quantum.partition import HUB

Matrix = NDArray[np.complex128]

_HADAMARD: Matrix = np.array([[1, 1], [1, -1]], np.complex128) / np.sqrt(2)
_TO_Z: dict[str, Matrix] = {"X": _HADAMARD, "Y": _HADAMARD @ np.diag([1, -1j]), "Z": PAULIS["I"]}
"""What turns a Pauli operator P into Z, as U P U^dagger."""
_GOLDEN = 0.6180339887498949


def shared_by_qubits(circuit: GateCircuit, members: int, distributor: Distributor) -> GateCircuit:
    """Return the circuit with the processors of a group holding parts of its qubits, as the distributor has them.

    Each member holds as many qubits, the first ones one more where the number does not divide; a pair is end to end, so
    it costs as much between any two members. Where inputs are teleported the hub sends each prepared qubit to its
    member. Raises ValueError for more members than qubits.
    """
    if not 1 <= members <= circuit.qubits:
        raise ValueError(f"the circuit has {circuit.qubits} qubits to share, got {members} processors")
    room = [len(part) for part in np.array_split(np.arange(circuit.qubits), members)]
    every_two = [(a, b) for b in range(members) for a in range(b)]
    distribution = distributor(listed(circuit), ProcessorNetwork.from_edges(every_two, room))
    program = program_of(distribution)
    parts = tuple(place.node for place in program.start)
    walk = _Walk(circuit, program.start)
    for step in program.steps:
        if isinstance(step, Copy):
            walk.copy(step)
        elif isinstance(step, EndCopy):
            walk.end(step)
        elif isinstance(step, PhaseGate):
            walk.gate(step)
    sections = (0,) * len(circuit.gates)
    return replace(circuit, sharing=Sharing(tuple(walk.ends), (parts,), sections, tuple(walk.steps), tuple(walk.flags)))


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
        first = circuit.prepared or 0
        self.ends: list[tuple[int, int]] = []
        self.steps: list[tuple[int, PairStep]] = []
        if circuit.prepared is not None:
            self.ends = [(HUB, place.node) for place in start]
            self.steps = [(first, Teleportation(q, q)) for q in range(circuit.qubits)]
        self.flags = [(0, 0)] * len(circuit.gates)
        self._bits = dict.fromkeys(start, 0)  # of the flags of each place
        self._qubit = {place: q for q, place in enumerate(start)}
        self._gates = [(g, gate) for g, gate in enumerate(circuit.gates) if g >= first and len(_qubits(gate)) == 2]
        self._done = 0

    def copy(self, step: Copy) -> None:
        """Make a copy for the gate on two qubits that comes next."""
        qubit, (number, gate) = self._qubit[step.source], self._gates[self._done]
        used = 0
        for bits in self._bits.values():
            used |= bits
        flag = next(f for f in range(len(self._bits) + 1) if not used >> f & 1)
        pauli = _paulis(gate)[_qubits(gate).index(qubit)]
        self.steps.append((number, ValueCopy(qubit, pauli, flag, len(self.ends))))
        self.ends.append((step.near.node, step.far.node))
        self._qubit[step.far], self._bits[step.far] = qubit, self._bits[step.source] | 1 << flag

    def end(self, step: EndCopy) -> None:
        """End a copy; flags on which no other depends are free again."""
        assert self._bits[step.at], "qubits stay where they are"
        del self._bits[step.at]

    def gate(self, step: PhaseGate) -> None:
        """Note the flags that the next gate on two qubits depends on."""
        number, gate = self._gates[self._done]
        assert _qubits(gate) == (self._qubit[step.first], self._qubit[step.second]), "gates keep their order"
        self.flags[number] = (self._bits[step.first], self._bits[step.second])
        self._done += 1
