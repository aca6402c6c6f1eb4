"""From the steps of a distributed circuit to what engine and clock need: flags, pairs, waits and events. Ours."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ceas_ray.distribution.program import Copy, EndCopy, Flip, PhaseGate, Place
from ceas_ray.quantum.gate_circuit import CONSTANT, Entangler, FixedGate, Gate, GateCircuit, Rotation, qubits_of
from ceas_ray.quantum.gate_list import NEGLIGIBLE
from ceas_ray.quantum.gate_sharing import (
    COLUMNS_OF_QUBIT_WAIT,
    Move,
    PairStep,
    QubitWait,
    Sharing,
    Teleportation,
    ValueCopy,
    Wait,
)
from ceas_ray.quantum.gate_tables import PAULIS
from ceas_ray.quantum.partition import HUB
from ceas_ray.quantum.shot_clock import NO_WAIT, CopyEnded, GateDone, PairSpent, ShotEvent


class Placed(NamedTuple):
    """A step: the gate of the circuit that it is, or before which it is done; the gate on two qubits by whose Pauli
    operator it goes; the packets of a gate's two qubits; and the flips that go with a gate."""

    number: int
    is_gate: bool
    order: int
    beside: int
    step: Copy | EndCopy | PhaseGate | Flip
    packets: tuple[int, ...] = ()
    flips: tuple[Flip, ...] = ()


def paulis_of(gate: Gate) -> str:
    """Return the Pauli operators by which a gate acts on its two qubits."""
    if isinstance(gate, Rotation):
        return gate.pauli
    assert isinstance(gate, Entangler), "a gate on one qubit acts by none"
    return "ZX" if gate.name == "cx" else "ZZ"


class SharingWalk:
    """Through the steps of a program: which flags each place's value depends on, and what was found so far.

    qubits_lose: whether data qubits lose while they wait.
    """

    def __init__(self, circuit: GateCircuit, start: tuple[Place, ...], *, qubits_lose: bool = False) -> None:
        self._circuit, first = circuit, circuit.prepared or 0
        self._qubits_lose, self._qubit_waits = qubits_lose, list[int]()
        self._has_begun = [circuit.prepared is not None] * len(start)  # whether a qubit has a state that can be lost
        self._was_copied = [False] * len(start)  # whether copies were out when each qubit last took part in something
        self._next, self._last_phase = first, (start[0], start[0])
        self._to_flip: list[Place] = []  # kept copies that flips of the last gate on two qubits are still to flip
        self._ends: list[tuple[int, int]] = []
        self._steps: list[tuple[int, PairStep]] = []
        self._waits: list[int] = []
        self._events: list[ShotEvent] = []
        if circuit.prepared is not None:
            self._ends = [(HUB, place.node) for place in start]
            self._steps = [(first, Teleportation(q, q)) for q in range(circuit.qubits)]
            self._events = [
                PairSpent(q, place.number, place.number, (HUB, place.node)) for q, place in enumerate(start)
            ]
        self._flags = [(0, 0)] * len(circuit.gates)
        self._bits = dict.fromkeys(start, 0)  # of the flags of each place
        self._qubit = {place: q for q, place in enumerate(start)}
        self._holder = list(start)
        self._since = [(0, tuple(place.node for place in start))]  # from which gate on, who holds each qubit
        self._copies: dict[Place, _Copied] = {}  # what each copy was made by, until it ends or is its qubit
        self._packet = [-1] * len(start)  # that each qubit is in
        self._pauli = [""] * len(start)  # by which gates act on each qubit, and in whose basis corrections are Z

    def step(self, placed: Placed) -> None:
        """Go on by a step, and by the gates on one qubit before it."""
        self._alone_until(placed.number)
        step = placed.step
        if isinstance(step, Copy):
            self._copy(placed, step)
        elif isinstance(step, EndCopy):
            self._end(placed, step)
        elif isinstance(step, Flip):
            self._flip(placed, step)
        else:
            self._gate(placed, step)

    def _alone_until(self, number: int) -> None:
        """Note the gates on one qubit before a gate. One that waits for no correction follows the last at once."""
        for alone in range(self._next, number):
            gate = self._circuit.gates[alone]
            (qubit, *others) = qubits_of(gate)
            if others:
                continue
            place, corrected = self._holder[qubit], not _commutes(gate, self._pauli[qubit])
            waits = (self._wait_of_qubit(alone, place),) if corrected else (NO_WAIT,)
            self._events.append(GateDone((place.number,), (NO_WAIT,), (corrected,), waits))
            for copy in self._copies_of(qubit):
                copy.turn(gate)
            self._note_use(place)
        self._next = max(self._next, number)

    def _copy(self, placed: Placed, step: Copy) -> None:
        qubit, used = self._qubit[step.source], 0
        for bits in self._bits.values():
            used |= bits
        self._packet[qubit], self._pauli[qubit] = step.packet, self._pauli_of(placed.beside, qubit)
        wait = self._wait(placed.number, step.source)
        flag = next(f for f in range(len(self._bits) + 1) if not used >> f & 1)
        place = len(self._ends)
        copy = ValueCopy(qubit, self._pauli[qubit], flag, place, self._changed(self._kept_copies(qubit)))
        self._steps.append((placed.number, copy))
        self._ends.append((step.near.node, step.far.node))
        self._events.append(PairSpent(place, step.source.number, step.far.number, self._ends[-1], wait))
        self._qubit[step.far], self._bits[step.far] = qubit, self._bits[step.source] | 1 << flag
        self._copies[step.far] = _Copied(place, step.packet, self._pauli[qubit])
        self._note_use(step.source)

    def _end(self, placed: Placed, step: EndCopy) -> None:
        """End a copy, or move a qubit to the one that stays; flags on which no other depends are free again."""
        qubit, ends = self._qubit[step.at], (step.at.node, step.holder.node)
        if step.at != self._holder[qubit]:
            del self._bits[step.at], self._copies[step.at]
            self._events.append(CopyEnded(step.at.number, step.holder.number, ends))
            return
        wait = self._wait(placed.number, step.holder)
        self._events.append(CopyEnded(step.at.number, step.holder.number, ends, wait))
        del self._bits[step.at], self._copies[step.holder]
        flips = "Z" if self._pauli_of(placed.beside, qubit) != "Z" else "X"
        moved = self._bits[step.holder]
        self._steps.append((placed.number, Move(qubit, flips, moved)))
        self._holder[qubit] = step.holder
        for place in self._bits:
            if self._qubit[place] == qubit:
                self._bits[place] ^= moved
        self._note_use(step.holder)
        self._since.append((placed.number, tuple(place.node for place in self._holder)))

    def _gate(self, placed: Placed, step: PhaseGate) -> None:
        """Note the flags that a gate on two qubits depends on."""
        number, where = placed.number, (step.first, step.second)
        qubits = qubits_of(self._circuit.gates[number])
        assert qubits == tuple(self._qubit[place] for place in where), "gates keep their order"
        corrected = []
        for qubit, packet in zip(qubits, placed.packets, strict=True):
            pauli = self._pauli_of(number, qubit)
            corrected.append(self._pauli[qubit] not in ("", pauli))
            self._packet[qubit], self._pauli[qubit] = packet, pauli
        waits = tuple(self._wait(number, place) for place in where)
        of_qubits = tuple(self._wait_of_qubit(number, place) for place in where)
        self._events.append(GateDone(tuple(place.number for place in where), waits, tuple(corrected), of_qubits))
        for place in where:
            self._note_use(place)
        self._flags[number] = (self._bits[step.first], self._bits[step.second])
        self._last_phase, self._next = where, number + 1
        self._to_flip = [flip.target for flip in placed.flips]

    def _flip(self, placed: Placed, step: Flip) -> None:
        """Flip a kept copy and its qubit by the values at two places: they differ by more if these do."""
        qubit = self._qubit[step.control]
        used = next(place for place in self._last_phase if self._qubit[place] == qubit)
        wait, of_qubit = self._wait(placed.number, step.control), self._wait_of_qubit(placed.number, step.control)
        self._to_flip.remove(step.target)
        values = (step.control.number, step.target.number)
        self._events.append(GateDone(values, (wait, NO_WAIT), (False, False), (of_qubit, NO_WAIT)))
        self._note_use(step.control)
        if step.control != used:
            self._bits[step.target] ^= self._bits[used] ^ self._bits[step.control]

    def sharing(self) -> Sharing:
        """Return all that was found, at the end."""
        self._alone_until(len(self._circuit.gates))
        sections = np.zeros(len(self._circuit.gates), np.int64)
        for section, (begin, _) in enumerate(self._since):
            sections[begin:] = section
        return Sharing(
            tuple(self._ends), tuple(holder for _, holder in self._since), tuple(sections.tolist()),
            tuple((number, self._with_column(step)) for number, step in self._steps), tuple(self._flags),
            tuple(self._waits), tuple(self._events), tuple(self._qubit_waits),
        )  # fmt: skip

    def _with_column(self, step: PairStep) -> PairStep:
        """Return a step whose column, if it has one, counts from the first place."""
        if isinstance(step, Wait):
            return step._replace(column=len(self._ends) + step.column)
        if isinstance(step, QubitWait):
            first = len(self._ends) + len(self._waits)
            return step._replace(column=first + COLUMNS_OF_QUBIT_WAIT * step.column)
        return step

    def _wait(self, number: int, place: Place) -> int:
        """Let a copy wait until it is used before a gate; return the number of the wait. Its first is its pair's.

        If it errs between a gate that used it and the flips that go with that gate, these disagree with the gate.
        """
        copy = self._copies.get(place)
        if copy is None:
            return NO_WAIT
        if not copy.is_used:
            copy.is_used = True
            return NO_WAIT
        qubit = self._qubit[place]
        kept = self._changed(self._kept_copies(qubit))
        flips = self._changed([place, *self._flipped_by(place)])
        self._steps.append((number, Wait(qubit, self._pauli[qubit], flips, kept, len(self._waits))))
        self._waits.append(copy.place)
        return len(self._waits) - 1

    def _flipped_by(self, place: Place) -> list[Place]:
        """Return the kept copies of other qubits that the last gate flipped and that are still to be, if it used this
        place.
        """
        return [of for of in self._to_flip if place in self._last_phase and self._qubit[of] != self._qubit[place]]

    def _wait_of_qubit(self, number: int, place: Place) -> int:
        """Let a data qubit wait until something is done with it before a gate; return the number of the wait."""
        qubit = self._qubit[place]
        if not self._qubits_lose or place != self._holder[qubit] or not self._has_begun[qubit]:
            return NO_WAIT
        values: list[tuple[NDArray[np.float64], list[Place]]] = []
        if flipped := self._flipped_by(place):
            values.append((_axis(PAULIS[self._pauli[qubit]]), flipped))
        for at, copy in self._copies.items():
            if self._qubit[at] == qubit:
                axis = _axis(copy.operator)
                same = [places for other, places in values if abs(abs(axis @ other) - 1) < NEGLIGIBLE]
                if same:
                    same[0].append(at)
                else:
                    values.append((axis, [at]))
        assert len(values) <= 2, "copies hold one value, or one and one that is kept"
        axes = tuple((float(x), float(y), float(z)) for (x, y, z), _ in values)
        flips = tuple(self._changed(places) for _, places in values)
        is_copied = self._was_copied[qubit] or bool(flipped)
        wait = QubitWait(qubit, is_copied, axes, flips, len(self._qubit_waits))
        self._steps.append((number, wait))
        self._qubit_waits.append(place.node)
        return wait.column

    def _note_use(self, place: Place) -> None:
        """Note that something was done with a value, if it is that of a data qubit."""
        qubit = self._qubit[place]
        if place == self._holder[qubit]:
            self._has_begun[qubit], self._was_copied[qubit] = True, bool(self._copies_of(qubit))

    def _copies_of(self, qubit: int) -> list[_Copied]:
        """Return all copies of a qubit."""
        return [copy for place, copy in self._copies.items() if self._qubit[place] == qubit]

    def _kept_copies(self, qubit: int) -> list[Place]:
        """Return the copies of a qubit that are kept over the packet that it is in."""
        packet = self._packet[qubit]
        return [
            place for place, copy in self._copies.items()
            if self._qubit[place] == qubit and (packet - copy.packet) % 2 == 1
        ]  # fmt: skip

    def _changed(self, flipped: list[Place]) -> int:
        """Return the flags (bits) that change when these copies are flipped and no others."""
        if not flipped:
            return 0
        wanted = [(bits, place in flipped) for place, bits in self._bits.items() if bits]
        used = max(bits for bits, _ in wanted).bit_length()
        return next(
            flags for flags in range(1 << used)
            if all((bits & flags).bit_count() % 2 == changes for bits, changes in wanted)
        )  # fmt: skip

    def _pauli_of(self, number: int, qubit: int) -> str:
        """Return the Pauli operator by which a gate on two qubits acts on one of them."""
        gate = self._circuit.gates[number]
        return paulis_of(gate)[qubits_of(gate).index(qubit)]


class _Copied:
    """A copy: the place of the pair that made it, the packet that it was made in, whether it was used, and the operator
    of its qubit whose value it has."""

    def __init__(self, place: int, packet: int, pauli: str) -> None:
        self.place, self.packet, self.is_used, self.operator = place, packet, False, PAULIS[pauli]

    def turn(self, gate: Gate) -> None:
        """Note a gate on its qubit alone. With a rotation about a parameter, its operator commutes."""
        if isinstance(gate, FixedGate):
            unitary = gate.unitary
        else:
            assert isinstance(gate, Rotation), "other gates act on two qubits"
            if any(term.weight != CONSTANT or term.inputs for term in gate.terms):
                return
            half = sum(term.coefficient for term in gate.terms) / 2
            unitary = np.cos(half) * PAULIS["I"] - 1j * np.sin(half) * PAULIS[gate.pauli]
        self.operator = unitary @ self.operator @ unitary.conj().T


def _axis(operator: NDArray[np.complex128]) -> NDArray[np.float64]:
    """Return the Bloch vector of an operator on one qubit with the eigenvalues 1 and -1."""
    return np.array([np.trace(PAULIS[letter] @ operator).real / 2 for letter in "XYZ"])


def _commutes(gate: Gate, pauli: str) -> bool:
    """Decide whether a gate on one qubit commutes with a Pauli operator ("": none), but for a sign."""
    if not pauli:
        return True
    if isinstance(gate, Rotation):
        return gate.pauli == pauli
    assert isinstance(gate, FixedGate), "other gates act on two qubits"
    moved = gate.unitary @ PAULIS[pauli] @ gate.unitary.conj().T
    return bool(abs(abs(np.trace(PAULIS[pauli] @ moved)) - 2) < NEGLIGIBLE)
