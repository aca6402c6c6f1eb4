"""Qubits and gates placed together, so that one copy serves as many gates as it can (ours)."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ceas_ray.distribution.distribution import Distribution, refuse_without_room, seats_in_order
from ceas_ray.distribution.packets import Packets, packets_of
from ceas_ray.distribution.processor_network import ProcessorNetwork
from ceas_ray.distribution.search import anneal, drop_useless_copies
from ceas_ray.distribution.search_state import state_of
from ceas_ray.quantum.gate_list import GateList, normal_form

LARGE = 100
"""Controlled phases: beyond, runs of the search are hotter and longer."""
MANY = 20
"""Controlled phases of a qubit: with a multiple of these its moves, which place all of them anew, are made rarer."""
_Arrays = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]


@dataclass(frozen=True)
class PackedDistributor:
    """Minimises the Bell pairs of all packets' trees over holders of qubits and places of gates.

    Simulated annealing from `starts` starts with qubits that stay, then twice more from the best with qubits that may
    move. The number of steps grows with the circuit, never with the clock, so the result is the same on every machine.
    A gate may be done at a processor that holds neither of its qubits, where a tree passes anyway. Copies are kept over
    gates that only flip their qubit where that is cheaper (with up to 8 processors). The first starts have qubits in
    their order along the network, the others have them at random. Where there is more room than qubits, one more start
    has them in order with the room at the begin.

    moves: whether qubits may move. keeps: whether copies may be kept over gates that flip their qubit.
    """

    starts: int = 8
    steps_per_start: int = 40_000
    seed: int = 1
    moves: bool = True
    keeps: bool = True

    def __call__(self, circuit: GateList, network: ProcessorNetwork) -> Distribution:
        """See `Distributor`."""
        refuse_without_room(circuit.qubits, network)
        packets = packets_of(circuit.qubits, normal_form(circuit.qubits, circuit.gates))
        if not self.keeps:
            packets = replace(packets, crossable=np.zeros_like(packets.crossable))
        home = seats_in_order(packets.qubits, network)[packets.owner]
        if len(network.room) == 1 or len(packets.ends) == 0:
            return Distribution(packets, network, home, np.zeros(len(packets.ends), dtype=np.int64))
        steps = self.steps_per_start + 100 * len(packets.ends)
        generator = np.random.Generator(np.random.Philox(self.seed))
        best = None
        for start, length, hot in self._runs(len(packets.ends)):
            home = self._start(packets, network, start, generator)
            nothing_kept, place = np.zeros_like(home), home[packets.ends[:, start % 2]]
            found = _annealed(
                packets, network, (home, place, nothing_kept),
                steps=length * steps, hot=hot, moving=False, generator=generator,
            )  # fmt: skip
            best = found if best is None or found[1] < best[1] else best
        assert best is not None
        for hot in (0.7, 1.5) if self.moves else ():
            found = _annealed(packets, network, best[0], steps=2 * steps, hot=hot, moving=True, generator=generator)
            best = found if found[1] < best[1] else best
        if packets.qubits < np.sum(network.room):
            found = self._with_room_at_first(packets, network, steps)
            best = found if found[1] < best[1] else best
        return Distribution(packets, network, *best[0])

    def _with_room_at_first(self, packets: Packets, network: ProcessorNetwork, steps: int) -> tuple[_Arrays, int]:
        """Search from qubits in their order that fill the last processors, not the first ones."""
        home = np.repeat(np.arange(len(network.room)), network.room)[-packets.qubits :][packets.owner].astype(np.int64)
        return _annealed(
            packets, network, (home, home[packets.ends[:, 1]], np.zeros_like(home)),
            steps=steps, hot=1.0, moving=False, generator=np.random.Generator(np.random.Philox(self.seed)),
        )  # fmt: skip

    def _runs(self, phases: int) -> list[tuple[int, int, float]]:
        """Return the runs before qubits move: the start, how many times the steps, the first temperature.

        Of a large circuit, two keep what is good about the order of its qubits, and few but long ones forget it.
        """
        if phases <= LARGE:
            return [(start, 1, 2.0) for start in range(self.starts)]
        return [(0, 1, 1.0), (1, 1, 1.0), *((start, 4, 4.0) for start in range(2, self.starts // 2))]

    def _start(
        self, packets: Packets, network: ProcessorNetwork, start: int, generator: np.random.Generator
    ) -> NDArray[np.int64]:
        if start < 2:
            return seats_in_order(packets.qubits, network)[packets.owner]
        seats = np.repeat(np.arange(len(network.room)), network.room)
        return generator.permutation(seats)[: packets.qubits][packets.owner].astype(np.int64)


def _annealed(
    packets: Packets,
    network: ProcessorNetwork,
    start: _Arrays,
    *,
    steps: int,
    hot: float,
    moving: bool,
    generator: np.random.Generator,
) -> tuple[_Arrays, int]:
    """Return the homes, places and kept copies that the search finds from a start, and their pairs.

    hot: the temperature that it begins with. moving: whether qubits may move to other processors.
    """
    state = state_of(packets, network, start, moving)
    crossable = np.flatnonzero(state.packet["crossable"])
    unit = network.cheapest
    qubit_every = max(1, 2 * len(packets.ends) // (MANY * packets.qubits))
    home, kept, place, pairs = anneal(state, crossable, steps, unit * hot, unit * 0.1, moving, qubit_every, generator)
    state = state_of(packets, network, (home, place, kept), moving)
    drop_useless_copies(state)
    return (home, place, state.packet["kept"].copy()), int(pairs)
