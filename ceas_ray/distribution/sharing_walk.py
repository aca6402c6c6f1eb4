"""From the steps of a distributed circuit to what engine and clock need: flags, pairs, waits and events. Ours."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ceas_ray.distribution.program import Copy, EndCopy, Flip, PhaseGate, Place
from ceas_ray.quantum.gate_circuit import Entangler, FixedGate, Gate, GateCircuit, Rotation
from ceas_ray.quantum.gate_list import NEGLIGIBLE
from ceas_ray.quantum.gate_sharing import Move, PairStep, Sharing, Teleportation, ValueCopy, Wait
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


def qubits_of(gate: Gate) -> tuple[int, ...]:
    """Return the qubits that a gate acts on."""
    return (gate.qubit,) if isinstance(gate, FixedGate) else gate.qubits


def paulis_of(gate: Gate) -> str:
    """Return the Pauli operators by which a gate acts on its two qubits."""
    if isinstance(gate, Rotation):
        return gate.pauli
    assert isinstance(gate, Entangler), "a gate on one qubit acts by none"
    return "ZX" if gate.name == "cx" else "ZZ"


class SharingWalk:
    """Through the steps of a program: which flags each place's value depends on, and what was found so far."""

    def __init__(self, circuit: GateCircuit, start: tuple[Place, ...]) -> None:
        self._circuit, first = circuit, circuit.prepared or 0
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
        """Note the gates on one qubit before a gate."""
        for gate in self._circuit.gates[self._next : number]:
            qubits = qubits_of(gate)
            if len(qubits) == 1:
                commutes = _commutes(gate, self._pauli[qubits[0]])
                self._events.append(GateDone((self._holder[qubits[0]].number,), (NO_WAIT,), (not commutes,)))
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
        self._copies[step.far] = _Copied(place, step.packet)

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
        self._events.append(GateDone(tuple(place.number for place in where), waits, tuple(corrected)))
        self._flags[number] = (self._bits[step.first], self._bits[step.second])
        self._last_phase, self._next = where, number + 1
        self._to_flip = [flip.target for flip in placed.flips]

    def _flip(self, placed: Placed, step: Flip) -> None:
        """Flip a kept copy and its qubit by the values at two places: they differ by more if these do."""
        qubit = self._qubit[step.control]
        used = next(place for place in self._last_phase if self._qubit[place] == qubit)
        wait = self._wait(placed.number, step.control)
        self._to_flip.remove(step.target)
        self._events.append(GateDone((step.control.number, step.target.number), (wait, NO_WAIT), (False, False)))
        if step.control != used:
            self._bits[step.target] ^= self._bits[used] ^ self._bits[step.control]

    def sharing(self) -> Sharing:
        """Return all that was found, at the end."""
        self._alone_until(len(self._circuit.gates))
        sections = np.zeros(len(self._circuit.gates), np.int64)
        for section, (begin, _) in enumerate(self._since):
            sections[begin:] = section
        places = len(self._ends)
        steps = [
            (number, step._replace(column=places + step.column) if isinstance(step, Wait) else step)
            for number, step in self._steps
        ]
        return Sharing(
            tuple(self._ends), tuple(holder for _, holder in self._since), tuple(sections.tolist()), tuple(steps),
            tuple(self._flags), tuple(self._waits), tuple(self._events),
        )  # fmt: skip

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
        with_it = [of for of in self._to_flip if place in self._last_phase and self._qubit[of] != qubit]
        flips = self._changed([place, *with_it])
        self._steps.append((number, Wait(qubit, self._pauli[qubit], flips, kept, len(self._waits))))
        self._waits.append(copy.place)
        return len(self._waits) - 1

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
    """A copy: the place of the pair that made it, the packet that it was made in, whether it was used."""

    def __init__(self, place: int, packet: int) -> None:
        self.place, self.packet, self.is_used = place, packet, False


def _commutes(gate: Gate, pauli: str) -> bool:
    """Decide whether a gate on one qubit commutes with a Pauli operator ("": none), but for a sign."""
    if not pauli:
        return True
    if isinstance(gate, Rotation):
        return gate.pauli == pauli
    assert isinstance(gate, FixedGate), "other gates act on two qubits"
    moved = gate.unitary @ PAULIS[pauli] @ gate.unitary.conj().T
    return bool(abs(abs(np.trace(PAULIS[pauli] @ moved)) - 2) < NEGLIGIBLE)
