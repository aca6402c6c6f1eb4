"""A distributed circuit as steps on named qubits of nodes: Bell pairs, copies, gates, and the end of copies.

A copy of a qubit's Z value: CX from a qubit that has it to the near half of a Bell pair, which is measured; an outcome
of 1 flips the far half, which is the copy now. A copy ends when it is measured in the X basis; an outcome of 1 takes a
Z on the qubit (Eisert et al., PRA 62, 052317, 2000). If instead the original ends, the qubit has moved to the copy.
"""

from __future__ import annotations

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
class Phase:
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


Step = Apply | Phase | Copy | EndCopy


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
        self.parent: list[dict[int, int]] = [{} for _ in range(packets.qubits)]  # of each node in the packet's tree
        self.needs: list[dict[int, int]] = [{} for _ in range(packets.qubits)]  # phases and copies to come at a node
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
        self.steps.append(Phase(first, second, angle))
        for packet, qubit in zip(packets, qubits, strict=True):
            self.left[packet] -= 1
            self.needs[qubit][node] -= 1
            self._end_unneeded(qubit, node)

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
            target = self._node(self.distribution.home[self.current[qubit] + 1])
            if target != self.holder[qubit].node:
                old, new = self.holder[qubit], self._value(qubit, target)
                del self.copies[qubit][target]
                self.steps.append(EndCopy(old, new))
                self.holder[qubit] = new
            assert not self.copies[qubit], "all copies have ended"
            self.current[qubit] += 1
            self._open(qubit)

    def _open(self, qubit: int) -> None:
        """Lay the tree of a qubit's current packet, from its home."""
        packet, root = self.current[qubit], self.holder[qubit].node
        ends = self.distribution.packets.ends
        needs: dict[int, int] = {}
        for phase in np.flatnonzero(np.any(ends == packet, axis=1)).tolist():
            node = self._node(self.distribution.place[phase])
            needs[node] = needs.get(node, 0) + 1
        moves_to = self._node(self.distribution.next_home[packet])
        if moves_to != root:
            needs[moves_to] = needs.get(moves_to, 0) + 1
        self.parent[qubit] = self.network.tree(int(self.distribution.reach[packet]), root)
        for parent in self.parent[qubit].values():
            needs[parent] = needs.get(parent, 0) + 1
        self.needs[qubit] = needs

    def _value(self, qubit: int, node: int) -> Place:
        """The place at a node that has the qubit's value: its holder, or a copy, made now if there is none."""
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
        if self.needs[qubit].get(node, 0) == 0 and node in self.copies[qubit]:
            self.steps.append(EndCopy(self.copies[qubit].pop(node), self.holder[qubit]))

    def _node(self, processor: int | np.int64) -> int:
        return self.network.processors[int(processor)]

    def _new(self, node: int) -> Place:
        self.count += 1
        return Place(node, self.count)
