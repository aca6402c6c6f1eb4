"""Qubits and gates placed together, so that one copy serves as many gates as it can (ours)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ceas_ray.distribution.distribution import Distribution, refuse_without_room
from ceas_ray.distribution.packets import Packets
from ceas_ray.distribution.processor_network import ProcessorNetwork
from ceas_ray.distribution.search import anneal, problem_of


@dataclass(frozen=True)
class PackedDistributor:
    """Minimises the Bell pairs of all packets' trees over holders of qubits and places of gates.

    Simulated annealing from `starts` starts; the number of moves grows with the circuit, never with the clock, so the
    result is the same on every machine. A gate may be done at a processor that holds neither of its qubits (a detached
    gate), where a tree passes anyway. It starts from qubits in their order along the network, and from random ones.
    """

    starts: int = 6
    moves_per_start: int = 40_000
    seed: int = 1

    def __call__(self, packets: Packets, network: ProcessorNetwork) -> Distribution:
        """See `Distributor`."""
        refuse_without_room(packets, network)
        problem = problem_of(packets, network)
        moves = self.moves_per_start + 100 * len(packets.gates) if len(network.room) > 1 and len(packets.gates) else 0
        best: tuple[int, NDArray[np.int64], NDArray[np.int64]] | None = None
        for start in range(self.starts if moves else 1):
            home = _start(packets.qubits, network, start, self.seed)
            place = home[packets.owner[packets.gates[:, start % 2]]]
            found_home, found_place, cost = anneal(problem, home, place, moves, 2.0, 0.1, self.seed + start)
            if best is None or cost < best[0]:
                best = cost, found_home, found_place
        assert best is not None
        return Distribution(packets, network, best[1], best[2])


def _start(qubits: int, network: ProcessorNetwork, start: int, seed: int) -> NDArray[np.int64]:
    """Return holders of all qubits: in order in the first two starts, else at random."""
    seats = np.repeat(np.arange(len(network.room)), network.room)[: max(qubits, 1)]
    if start < 2:
        return seats[:qubits].astype(np.int64)
    all_seats = np.repeat(np.arange(len(network.room)), network.room)
    order = np.random.Generator(np.random.Philox(key=[seed, start])).permutation(len(all_seats))
    return all_seats[order][:qubits].astype(np.int64)
