"""A distributed circuit as steps on named qubits of nodes: Bell pairs, copies, gates, and the end of copies.

A copy of a qubit's Z value: CX from a qubit that has it to the near half of a Bell pair, which is measured; an outcome
of 1 flips the far half, which is the copy now. A copy ends when it is measured in the X basis; an outcome of 1 takes a
Z on the qubit (Eisert et al., PRA 62, 052317, 2000). If instead the original ends, the qubit has moved to the copy.
Copies that are kept while their qubit is flipped by others are flipped by the values of these others, each time.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ceas_ray.distribution.distribution import Distribution
from ceas_ray.quantum.gate_list import ControlledPhase, is_diagonal, mixes_values


class Place(NamedTuple):
    """A physical qubit: a node of the network, and a number that is new whenever a value arrives there."""

    node: int
    number: int


@dataclass(frozen=True, eq=False)
class Apply:
    """A gate on one qubit. matrix: unitary (2, 2)."""

    at: Place
    matrix: NDArray[np.complex128]


@dataclass(frozen=True)
class PhaseGate:
    """A controlled phase between two qubits of a node, rad."""

    first: Place
    second: Place
    angle: float


@dataclass(frozen=True)
class Copy:
    """A copy of the value at `source` into `far`, through a new Bell pair of `near` and `far`; packet: whose value."""

    source: Place
    near: Place
    far: Place
    packet: int


@dataclass(frozen=True)
class EndCopy:
    """The measurement of `at` in the X basis; `holder` keeps the value and takes the correction."""

    at: Place
    holder: Place


@dataclass(frozen=True)
class Flip:
    """A flip of a kept copy, `target`, if the value of `control` is 1; it goes with the last phase before it."""

    control: Place
    target: Place


Step = Apply | PhaseGate | Copy | EndCopy | Flip


@dataclass(frozen=True)
class Program:
    """Steps in an order in which they can be done. start, end: where each qubit is then; nodes: their names."""

    steps: tuple[Step, ...]
    start: tuple[Place, ...]
    end: tuple[Place, ...]
    nodes: tuple[str, ...]

    @property
    def pairs(self) -> int:
        """Bell pairs that one execution takes."""
        return sum(isinstance(step, Copy) for step in self.steps)


def program_of(distribution: Distribution) -> Program:
    """Return the steps of a distribution; copies are made when first needed and end when last needed."""
    builder = _Builder(distribution)
    start = tuple(builder.holder)
    phase = 0
    for gate in distribution.packets.gates:
        if isinstance(gate, ControlledPhase):
            builder.phase(phase, gate.angle)
            phase += 1
        else:
            builder.local(gate.qubit, gate.matrix)
    return Program(tuple(builder.steps), start, tuple(builder.holder), distribution.network.names)


class _Builder:
    def __init__(self, distribution: Distribution) -> None:
        self.distribution, self.network = distribution, distribution.network
        self.steps: list[Step] = []
        self.count = 0
        packets = distribution.packets
        first = np.searchsorted(packets.owner, np.arange(packets.qubits))
        self.current: list[int] = first.tolist()  # the packet of each qubit
        self.holder = [self._new(self._node(distribution.home[packet])) for packet in self.current]
        self.copies: list[dict[int, Place]] = [{} for _ in range(packets.qubits)]  # of the packet, by node
        self.kept: dict[int, dict[int, Place]] = {}  # copies that wait for a packet to come, by node
        self.parent: list[dict[int, int]] = [{} for _ in range(packets.qubits)]  # of each node in the packet's tree
        self.needs: list[Counter[int]] = [Counter() for _ in range(packets.qubits)]  # uses to come at each node
        self.left = np.bincount(packets.ends.ravel(), minlength=len(packets.owner))
        for qubit in range(packets.qubits):
            self._open(qubit)

    def phase(self, number: int, angle: float) -> None:
        """Do a controlled phase at its place, with copies of its qubits that are made if they are not there."""
        node = self._node(self.distribution.place[number])
        packets = [int(packet) for packet in self.distribution.packets.ends[number]]
        for packet in packets:
            self._advance(packet)
        qubits = [int(self.distribution.packets.owner[packet]) for packet in packets]
        first, second = (self._value(qubit, node) for qubit in qubits)
        self.steps.append(PhaseGate(first, second, angle))
        for packet, other in ((packets[0], qubits[1]), (packets[1], qubits[0])):
            self._flip_kept(packet, other)
        for packet, qubit in zip(packets, qubits, strict=True):
            self.left[packet] -= 1
            self.needs[qubit][node] -= 1
            self._end_unneeded(qubit, node)

    def _flip_kept(self, packet: int, other: int) -> None:
        """Flip the copies that are kept over a packet as another qubit's value has it."""
        for node, copy in sorted(self.kept.get(packet + 1, {}).items()):
            self.steps.append(Flip(self._value(other, node), copy))
            self.needs[other][node] -= 1
        for node in sorted(self.kept.get(packet + 1, {})):
            self._end_unneeded(other, node)

    def local(self, qubit: int, matrix: NDArray[np.complex128]) -> None:
        """Do a gate on one qubit, after a move to its next home if it ends the packet; a flip is one of copies, too."""
        if mixes_values(matrix):
            following = self.current[qubit] + 1
            owner = self.distribution.packets.owner
            if self.left[self.current[qubit]] == 0 and following < len(owner) and owner[following] == qubit:
                self._advance(following)
        elif not is_diagonal(matrix):
            flip = np.array([[0, 1], [1, 0]], dtype=np.complex128)
            self.steps += [Apply(place, flip) for _, place in sorted(self.copies[qubit].items())]
        self.steps.append(Apply(self.holder[qubit], matrix))

    def _advance(self, packet: int) -> None:
        """Make a packet its qubit's current one: the qubit moves to the packet's home."""
        qubit = int(self.distribution.packets.owner[packet])
        while self.current[qubit] < packet:
            following = self.current[qubit] + 1
            self._set_aside(qubit, following + 1)
            target = self._node(self.distribution.home[following])
            if target != self.holder[qubit].node:
                old, new = self.holder[qubit], self._value(qubit, target)
                del self.copies[qubit][target]
                self.steps.append(EndCopy(old, new))
                self.holder[qubit] = new
            assert not self.copies[qubit], "all copies have ended"
            self.copies[qubit] = self.kept.pop(following, {})
            self.current[qubit] = following
            self._open(qubit)

    def _set_aside(self, qubit: int, packet: int) -> None:
        """Keep copies of a qubit's current packet for the one after the next."""
        nodes = self._kept_at(packet) if packet < len(self.left) else []
        if nodes:
            self.kept[packet] = {node: self._value(qubit, node) for node in nodes}
        for node in nodes:
            del self.copies[qubit][node]

    def _open(self, qubit: int) -> None:
        """Lay the trees of a qubit's current packet, from its home and the copies that were kept."""
        packet, root = self.current[qubit], self.holder[qubit].node
        packets = self.distribution.packets
        needs: Counter[int] = Counter()
        for phase in np.flatnonzero(np.any(packets.ends == packet, axis=1)).tolist():
            other = int(np.sum(packets.ends[phase])) - packet
            needs[self._node(self.distribution.place[phase])] += 1
            if other + 1 < len(packets.owner):
                needs.update(self._kept_at(other + 1))
        moves_to = self._node(self.distribution.next_home[packet])
        if moves_to != root:
            needs[moves_to] += 1
        if packet + 2 < len(packets.owner) and packets.owner[packet + 2] == qubit:
            needs.update(self._kept_at(packet + 2))
        sources = int(self.distribution.kept[packet]) | 1 << int(self.distribution.home[packet])
        self.parent[qubit] = self.network.forest(int(self.distribution.needed[packet]), sources)
        needs.update(self.parent[qubit].values())
        self.needs[qubit] = needs

    def _kept_at(self, packet: int) -> list[int]:
        """Return the nodes where copies are kept for a packet."""
        return [node for p, node in enumerate(self.network.processors) if self.distribution.kept[packet] >> p & 1]

    def _value(self, qubit: int, node: int) -> Place:
        """Return the place at a node that has the qubit's value: its holder, or a copy, made now if there is none."""
        if node == self.holder[qubit].node:
            return self.holder[qubit]
        if node not in self.copies[qubit]:
            parent = self.parent[qubit][node]
            source = self._value(qubit, parent)
            near, far = self._new(parent), self._new(node)
            self.steps.append(Copy(source, near, far, self.current[qubit]))
            self.copies[qubit][node] = far
            self.needs[qubit][parent] -= 1
            self._end_unneeded(qubit, parent)
        return self.copies[qubit][node]

    def _end_unneeded(self, qubit: int, node: int) -> None:
        if self.needs[qubit][node] == 0 and node in self.copies[qubit]:
            self.steps.append(EndCopy(self.copies[qubit].pop(node), self.holder[qubit]))

    def _node(self, processor: int | np.int64) -> int:
        return self.network.processors[int(processor)]

    def _new(self, node: int) -> Place:
        self.count += 1
        return Place(node, self.count)
