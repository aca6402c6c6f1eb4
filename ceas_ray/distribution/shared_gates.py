"""A circuit of the user's own shared by qubits: a distributor says who holds what, and where its pairs are spent. Ours.

Angles of parameters are unknown when a circuit is distributed, so each rotation about one of them stands for a gate
that commutes with nothing but what it always commutes with.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import takewhile

import numpy as np
from numpy.typing import NDArray

from ceas_ray.distribution.distribution import Distribution, Distributor
from ceas_ray.distribution.processor_network import ProcessorNetwork
from ceas_ray.distribution.program import Copy, EndCopy, Flip, PhaseGate, Program, program_of
from ceas_ray.distribution.sharing_walk import Placed, SharingWalk, paulis_of
from ceas_ray.quantum.gate_circuit import CONSTANT, FixedGate, Gate, GateCircuit, Rotation, qubits_of
from ceas_ray.quantum.gate_list import ControlledPhase, GateList, LocalGate
from ceas_ray.quantum.gate_list import Gate as ListedGate
from ceas_ray.quantum.gate_tables import PAULIS

Matrix = NDArray[np.complex128]

_HADAMARD: Matrix = np.array([[1, 1], [1, -1]], np.complex128) / np.sqrt(2)
_TO_Z: dict[str, Matrix] = {"X": _HADAMARD, "Y": _HADAMARD @ np.diag([1, -1j]), "Z": PAULIS["I"]}
"""What turns a Pauli operator P into Z, as U P U^dagger."""
_GOLDEN = 0.6180339887498949


def shared_by_qubits(
    circuit: GateCircuit,
    members: int,
    distributor: Distributor,
    lengths: NDArray[np.int64] | None = None,
    *,
    qubits_lose: bool = False,
) -> GateCircuit:
    """Return the circuit with the processors of a group holding parts of its qubits, as the distributor has them.

    Each member holds as many qubits, the first ones one more where the number does not divide. lengths: what a pair
    between any two members costs, (members, members), as in links; without it, all cost as much. Where inputs are
    teleported the hub sends each prepared qubit to its member. qubits_lose: whether data qubits lose while they wait.
    Raises ValueError for more members than qubits.
    """
    if not 1 <= members <= circuit.qubits:
        raise ValueError(f"the circuit has {circuit.qubits} qubits to share, got {members} processors")
    room = [len(part) for part in np.array_split(np.arange(circuit.qubits), members)]
    every_two = [(a, b) for b in range(members) for a in range(b)]
    costs = () if lengths is None else tuple(int(lengths[a, b]) for a, b in every_two)
    distribution = distributor(listed(circuit), ProcessorNetwork.from_edges(every_two, room, costs))
    program = program_of(distribution)
    walk = SharingWalk(circuit, program.start, qubits_lose=qubits_lose)
    for placed in placed_steps(circuit, distribution, program):
        walk.step(placed)
    return replace(circuit, sharing=walk.sharing())


def placed_steps(circuit: GateCircuit, distribution: Distribution, program: Program) -> list[Placed]:
    """Return copies, their ends, flips and gates on two qubits in the order in which the circuit does them."""
    first = circuit.prepared or 0
    two = iter([g for g, gate in enumerate(circuit.gates) if g >= first and len(qubits_of(gate)) == 2])
    queue = _Queue(program, first)
    packets = iter(distribution.packets.ends.tolist())
    number = first
    for order, step in enumerate(program.steps):
        if isinstance(step, Copy):
            queue.copy(order, step)
        elif isinstance(step, EndCopy):
            queue.end(order, step)
        elif isinstance(step, PhaseGate):
            number = next(two)
            of_gate = next(packets)
            for place, packet in zip((step.first, step.second), of_gate, strict=True):
                queue.put(queue.qubit[place], number, number, packet)
                queue.behind[queue.qubit[place]] = number + 1
            flips = _flips_behind(program, order)
            queue.found.append(Placed(number, True, order, number, step, tuple(of_gate), flips))
        elif isinstance(step, Flip):
            queue.put(queue.qubit[step.control], number + 1, number)
            queue.found.append(Placed(number + 1, False, order, number, step))
    for q in range(circuit.qubits):
        queue.put(q, queue.behind[q], queue.behind[q] - 1)
    return sorted(queue.found, key=lambda placed: placed[:3])


def _flips_behind(program: Program, order: int) -> tuple[Flip, ...]:
    """Return the flips that go with the gate of this step."""
    behind = takewhile(lambda step: not isinstance(step, PhaseGate), program.steps[order + 1 :])
    return tuple(step for step in behind if isinstance(step, Flip))


class _Queue:
    """Copies and their ends that are not placed yet, by qubit.

    Copies are made before the next gate on their qubit; those that are kept for a later packet, right behind the last
    gate of theirs. Where the qubit moves, that is right behind its last gate on two qubits, since what follows on it
    alone is done where it is then.
    """

    def __init__(self, program: Program, first: int) -> None:
        self.qubit = {place: q for q, place in enumerate(program.start)}
        self.behind = [first] * len(program.start)  # of each qubit, the gate behind its last one on two qubits
        self.found: list[Placed] = []
        self._holder = list(program.start)
        self._waiting: list[list[tuple[int, Copy | EndCopy]]] = [[] for _ in program.start]

    def put(self, q: int, number: int, beside: int, packet: int | None = None) -> None:
        """Place all that waits for a qubit before a gate; packet: the one that its value belongs to then."""
        for order, step in self._waiting[q]:
            is_old = packet is not None and isinstance(step, Copy) and step.packet != packet
            where = (self.behind[q], self.behind[q] - 1) if is_old else (number, beside)
            self.found.append(Placed(where[0], False, order, where[1], step))
        self._waiting[q] = []

    def copy(self, order: int, step: Copy) -> None:
        """Take a copy that is made."""
        q = self.qubit[step.far] = self.qubit[step.source]
        self._waiting[q].append((order, step))

    def end(self, order: int, step: EndCopy) -> None:
        """Take a copy that ends, or a qubit that moves."""
        q, moves = self.qubit[step.at], step.at in self._holder
        has_waiting = bool(self._waiting[q])
        self._waiting[q].append((order, step))
        if moves or not has_waiting:
            self.put(q, self.behind[q], self.behind[q] - 1)
        if moves:
            self._holder[q] = step.holder


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
    if len(qubits_of(gate)) == 1:
        assert isinstance(gate, Rotation), "other gates act on two qubits"
        half = angle / 2
        return [LocalGate(gate.qubits[0], np.cos(half) * PAULIS["I"] - 1j * np.sin(half) * PAULIS[gate.pauli])]
    first, second = qubits_of(gate)
    turned = [(q, _TO_Z[pauli]) for q, pauli in zip((first, second), paulis_of(gate), strict=True) if pauli != "Z"]
    before, after = ([LocalGate(q, matrix) for q, matrix in turned], [LocalGate(q, m.conj().T) for q, m in turned])
    return [*before, ControlledPhase(first, second, angle, alone=True), *after]


def _angle(gate: Rotation, number: int) -> float:
    """Return the angle if it is constant, else one that no other rotation has and that undoes none."""
    if all(term.weight == CONSTANT and not term.inputs for term in gate.terms):
        return sum(term.coefficient for term in gate.terms)
    return 0.5 + (number + 1) * _GOLDEN % 1
