"""Brute force for shared circuits with noise of gates, imperfect pairs and memories at once, every copy a real qubit.

Gates are done in the circuit's order and own basis; a copy holds the eigenvalue of an operator, which gates on the
qubit turn as they turn the qubit. Noise of a gate is that of a local one, and copies follow their qubit: they are taken
back before it and made again, without errors, after it. Errors that copies have stay. A data qubit that waits has an
error by itself, its copies not.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ceas_ray.distribution.program import Copy, EndCopy, Flip, PhaseGate, Place
from ceas_ray.distribution.sharing_walk import Placed, paulis_of
from ceas_ray.quantum.gate_circuit import FixedGate, GateCircuit, Rotation, qubits_of
from ceas_ray.quantum.gate_noise import Noise
from ceas_ray.quantum.gate_sharing import QubitWait, Sharing
from ceas_ray.quantum.shot_clock import PairSpent
from tests.distribution.circuits import HADAMARD, X
from tests.distribution.execution import DensityMatrix, Z

PAULIS: dict[str, Any] = {"I": np.eye(2), "X": X, "Y": np.array([[0, -1j], [1j, 0]]), "Z": Z}


@dataclass
class CopyOf:
    """A copy of the eigenvalue of an operator (2, 2) of a qubit, made from `source`."""

    qubit: int
    at: Place
    source: Place
    operator: Any


class NoisyExecution:
    """The state of all places while a shared circuit runs. noise: figures (n, 7) of each section, (sections, n, 7)."""

    def __init__(self, circuit: GateCircuit, start: tuple[Place, ...], sharing: Sharing, noise: Any) -> None:
        self.circuit, self.sharing, self.noise = circuit, sharing, noise
        self.state, self.holder, self.copies = DensityMatrix(start), list(start), list[CopyOf]()
        self.flips_to_come: list[tuple[int, str, Place]] = []  # of kept copies: by which qubit's value, and whose copy
        self.place_of = {event.target: event.place for event in sharing.events if isinstance(event, PairSpent)}
        self.waits = {
            place: [column for column, of in enumerate(sharing.waits, len(sharing.ends)) if of == place]
            for place in self.place_of.values()
        }
        self.used: set[int] = set()
        of_qubits = [(number, step.qubit) for number, step in sharing.steps if isinstance(step, QubitWait)]
        first = len(sharing.ends) + len(sharing.waits)
        self.qubit_waits = [(*of, first + 3 * k) for k, of in enumerate(of_qubits)]  # before which gate, of which qubit
        self.was_copied = [False] * len(start)

    def run(self, placed: list[Placed], werner: Any) -> None:
        """Execute the steps, in order, and the gates on one qubit between them."""
        following = 0
        for now in placed:
            for number in range(following, now.number):
                if len(qubits_of(self.circuit.gates[number])) == 1:
                    self._alone(number, werner)
            following = max(following, now.number)
            if isinstance(now.step, Copy):
                self._copy(now, now.step, werner)
            elif isinstance(now.step, EndCopy):
                self._end(now.step, werner)
            elif isinstance(now.step, Flip):
                self._flip(now, now.step, werner)
            else:
                self._gate(now, now.step, werner)
                following = now.number + 1
        for number in range(following, len(self.circuit.gates)):
            self._alone(number, werner)
        assert not any(self.waits.values()), "every wait was met"
        assert not self.qubit_waits, "every wait of a data qubit was met"

    def _alone(self, number: int, werner: Any) -> None:
        gate = self.circuit.gates[number]
        (qubit,) = qubits_of(gate)
        self._wait_of_qubit(number, self.holder[qubit], werner)
        unitary = gate.unitary if isinstance(gate, FixedGate) else _rotation(gate)
        self.state.apply(self.holder[qubit], unitary)
        for copy in self.copies:
            if copy.qubit == qubit:
                copy.operator = unitary @ copy.operator @ unitary.conj().T
        self._noise(number, (qubit,), Noise.ONE_QUBIT_DEPOLARIZING)
        self._used_by_itself(self.holder[qubit])

    def _gate(self, placed: Placed, step: PhaseGate, werner: Any) -> None:
        number, gate = placed.number, self.circuit.gates[placed.number]
        qubits, paulis = qubits_of(gate), paulis_of(gate)
        where = (step.first, step.second)
        for qubit, place, pauli in zip(qubits, where, paulis, strict=True):
            self._use(place, werner)
            self._wait_of_qubit(number, place, werner)
            self._turn(qubit, place, pauli)
        if isinstance(gate, Rotation):
            angle = gate.terms[0].coefficient
            factors = [(np.cos(angle / 2), False, False), (-1j * np.sin(angle / 2), True, True)]
        else:
            factors = [(0.5, False, False), (0.5, True, False), (0.5, False, True), (-0.5, True, True)]
        self.state.entries = self._of_paulis(
            where, [self._operator(*p) for p in zip(qubits, where, paulis, strict=True)], factors
        )
        for flip in placed.flips:
            target = next(copy for copy in self.copies if copy.at == flip.target)
            other = qubits[1] if target.qubit == qubits[0] else qubits[0]
            self.flips_to_come.append((other, paulis[qubits.index(other)], flip.target))
        self._noise(number, qubits, Noise.TWO_QUBIT_DEPOLARIZING)
        for place in where:
            self._used_by_itself(place)

    def _operator(self, qubit: int, place: Place, pauli: str) -> Any:
        """The Pauli operator by which a gate acts at a place: that of the circuit at the holder, Z at a copy."""
        return PAULIS[pauli] if place == self.holder[qubit] else Z

    def _of_paulis(self, where: tuple[Place, Place], operators: list[Any], factors: list[Any]) -> Any:
        """The entries after the operator: a sum of products of the two operators, with factors."""
        total: Any = 0
        for left, *ket in factors:
            for right, *bra in factors:
                part = self.state.entries
                for place, operator, in_ket, in_bra in zip(where, operators, ket, bra, strict=True):
                    ket_axis, bra_axis = self.state.axes(place)
                    for axis, is_in, matrix in ((ket_axis, in_ket, operator), (bra_axis, in_bra, operator.conj())):
                        if is_in:
                            part = np.moveaxis(np.tensordot(matrix, part, (1, axis)), 0, axis)
                total = total + left * np.conj(right) * part
        return total

    def _copy(self, placed: Placed, step: Copy, werner: Any) -> None:
        qubit = self._qubit_at(step.source)
        gate = self.circuit.gates[placed.beside]
        pauli = paulis_of(gate)[qubits_of(gate).index(qubit)]
        self._use(step.source, werner)
        self._turn(qubit, step.source, pauli)
        w = werner[self.place_of[step.far.number]]
        self.state.add_pair(step.near, step.far, [w + (1 - w) / 4, *[(1 - w) / 4] * 3])
        self._controlled_not(step.source, step.near, PAULIS[pauli])
        self.state.measured_with(step.near, step.far, X)
        self.copies.append(CopyOf(qubit, step.far, step.source, PAULIS[pauli]))
        self._used_by_itself(step.source)

    def _end(self, step: EndCopy, werner: Any) -> None:
        qubit = self._qubit_at(step.at)
        moves = step.at == self.holder[qubit]
        ended = step.holder if moves else step.at
        copy = next(copy for copy in self.copies if copy.at == ended)
        if moves:
            self._use(step.holder, werner)
            to_z = _to_z(copy.operator)
            self.state.apply(step.at, HADAMARD @ to_z)
            self.state.measured_with(step.at, step.holder, Z)
            self.state.apply(step.holder, to_z.conj().T)
            self.holder[qubit] = step.holder
        else:
            self.state.apply(step.at, HADAMARD)
            self.state.measured_with(step.at, step.holder, copy.operator)
        self._forget(copy, step.at)
        if moves:
            self._used_by_itself(step.holder)

    def _forget(self, copy: CopyOf, ended: Place) -> None:
        """Make copies that were made from what ended copies of what is left."""
        qubit_at = self.holder[copy.qubit]
        children = [other for other in self.copies if other.source == ended and other is not copy]
        where = self.copies.index(copy)
        self.copies.remove(copy)
        if ended != copy.at:  # the qubit has moved to the copy
            for child in children:
                child.source = qubit_at
        elif children:
            first = children[0]
            self.copies.remove(first)
            self.copies.insert(where, first)
            first.source = copy.source
            for child in children[1:]:
                child.source = first.at

    def _flip(self, placed: Placed, step: Flip, werner: Any) -> None:
        qubit = self._qubit_at(step.control)
        self._use(step.control, werner)
        self._wait_of_qubit(placed.number, step.control, werner)
        pending = next(flip for flip in self.flips_to_come if flip[2] == step.target and flip[0] == qubit)
        self._turn(qubit, step.control, pending[1])
        self._controlled_not(step.control, step.target, PAULIS[pending[1]])
        self.flips_to_come.remove(pending)
        self._used_by_itself(step.control)

    def _used_by_itself(self, place: Place) -> None:
        """Note whether copies of a data qubit are out after it was used."""
        if place in self.holder:
            qubit = self.holder.index(place)
            self.was_copied[qubit] = any(copy.qubit == qubit for copy in self.copies)

    def _wait_of_qubit(self, number: int, place: Place, werner: Any) -> None:
        """Let a data qubit alone lose what it loses until it is used before a gate, if the engine has a wait there."""
        if place not in self.holder or not self.qubit_waits:
            return
        before, qubit, column = self.qubit_waits[0]
        if (before, qubit) != (number, self.holder.index(place)):
            return
        del self.qubit_waits[0]
        across, along, standing = werner[column : column + 3]
        if self.was_copied[qubit] or any(flip[0] == qubit for flip in self.flips_to_come):
            across = along = (2 * across + along) / 3
            standing = 1
        if standing < 1:
            assert along == standing, "what leaves |1> falls to |0>"
            self._channel(place, [np.diag([1, np.sqrt(standing)]), np.array([[0, np.sqrt(1 - standing)], [0, 0]])])
            across, along = across / np.sqrt(standing), 1
        chances = [1 + 2 * across + along, 1 - along, 1 - along, 1 - 2 * across + along]
        self._channel(
            place,
            [np.sqrt(max(0.0, p) / 4) * pauli for p, pauli in zip(chances, PAULIS.values(), strict=True)],
        )

    def _turn(self, qubit: int, place: Place, pauli: str) -> None:
        """Flip the copies of a qubit that hold the value of minus a Pauli operator, if one of them is used for it."""
        if place == self.holder[qubit]:
            return
        for copy in self.copies:
            if copy.qubit == qubit and np.allclose(copy.operator, -PAULIS[pauli]):
                self.state.apply(copy.at, X)
                copy.operator = PAULIS[pauli]
        used = next(copy for copy in self.copies if copy.at == place)
        assert np.allclose(used.operator, PAULIS[pauli]), "a copy holds the value that its gates act by"

    def _controlled_not(self, control: Place, target: Place, operator: Any) -> None:
        """Flip the target if the value of the control is 1: a holder's of an operator, a copy's of Z."""
        turned = _to_z(operator) if control in self.holder else np.eye(2)
        self.state.apply(control, turned)
        self.state.controlled_not(control, target)
        self.state.apply(control, turned.conj().T)

    def _noise(self, number: int, qubits: tuple[int, ...], first: int) -> None:
        """Take back all copies, let the noise of a gate act on its qubits, and make them again."""
        figures = self.noise[self.sharing.sections[number]]
        taken = [(copy.source, copy.at, copy.operator) for copy in self.copies]
        pending = [(self.holder[qubit], target, PAULIS[pauli]) for qubit, pauli, target in self.flips_to_come]
        for control, target, operator in [*pending, *reversed(taken)]:
            self._controlled_not(control, target, operator)
        places = [self.holder[qubit] for qubit in qubits]
        self._depolarize(places, figures[qubits[0]][first])
        for qubit, place in zip(qubits, places, strict=True):
            damping, dephasing = figures[qubit][first + 1], figures[qubit][first + 2]
            self._channel(place, [np.diag([1, np.sqrt(1 - damping)]), np.array([[0, np.sqrt(damping)], [0, 0]])])
            self._channel(place, [np.sqrt(1 - dephasing / 2) * np.eye(2), np.sqrt(dephasing / 2) * Z])
        for control, target, operator in [*taken, *reversed(pending)]:
            self._controlled_not(control, target, operator)

    def _depolarize(self, places: list[Place], probability: float) -> None:
        whole = self.state.entries
        for place in places:
            self._channel(place, [pauli / 2 for pauli in PAULIS.values()])
        self.state.entries = (1 - probability) * whole + probability * self.state.entries

    def _channel(self, place: Place, kraus: list[Any]) -> None:
        whole, total = self.state.entries, 0
        for operator in kraus:
            self.state.entries = whole
            self.state.apply(place, operator)
            total = total + self.state.entries
        self.state.entries = total

    def _use(self, place: Place, werner: Any) -> None:
        """Depolarize a copy by its memory, as often as it has waited between uses."""
        of_pair = self.place_of.get(place.number)
        if of_pair is None or place in self.holder:
            return
        if of_pair in self.used:
            w = werner[self.waits[of_pair].pop(0)]
            self._channel(
                place, [np.sqrt(w + (1 - w) / 4) * np.eye(2), *(np.sqrt((1 - w) / 4) * PAULIS[p] for p in "XYZ")]
            )
        self.used.add(of_pair)

    def _qubit_at(self, place: Place) -> int:
        if place in self.holder:
            return self.holder.index(place)
        return next(copy.qubit for copy in self.copies if copy.at == place)


def _rotation(gate: Any) -> Any:
    angle = gate.terms[0].coefficient
    return np.cos(angle / 2) * np.eye(2) - 1j * np.sin(angle / 2) * PAULIS[gate.pauli]


def _to_z(operator: Any) -> Any:
    """What turns an operator with eigenvalues 1 and -1 into Z: U, with U operator U^dagger = Z."""
    _, vectors = np.linalg.eigh(operator)
    return vectors[:, ::-1].conj().T
