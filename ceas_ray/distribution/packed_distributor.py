"""Qubits and gates placed together, so that one copy serves as many gates as it can (ours)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ceas_ray.distribution.distribution import Distribution, refuse_without_room, seats_in_order
from ceas_ray.distribution.packets import Packets, packets_of
from ceas_ray.distribution.processor_network import ProcessorNetwork
from ceas_ray.distribution.search import anneal, problem_of
from ceas_ray.quantum.gate_list import GateList, normal_form


@dataclass(frozen=True)
class PackedDistributor:
    """Minimises the Bell pairs of all packets' trees over holders of qubits and places of gates.

    Simulated annealing from `starts` starts with qubits that stay, then once more from the best with qubits that may
    move. The number of steps grows with the circuit, never with the clock, so the result is the same on every machine.
    A gate may be done at a processor that holds neither of its qubits, where a tree passes anyway. The first starts
    have qubits in their order along the network, the others have them at random.
    """

    starts: int = 8
    steps_per_start: int = 40_000
    seed: int = 1

    def __call__(self, circuit: GateList, network: ProcessorNetwork) -> Distribution:
        """See `Distributor`."""
        refuse_without_room(circuit.qubits, network)
        packets = packets_of(circuit.qubits, normal_form(circuit.qubits, circuit.gates))
        home = seats_in_order(packets.qubits, network)[packets.owner]
        if len(network.room) == 1 or len(packets.ends) == 0:
            return Distribution(packets, network, home, np.zeros(len(packets.ends), dtype=np.int64))
        problem, steps = problem_of(packets, network), self.steps_per_start + 100 * len(packets.ends)
        generator = np.random.Generator(np.random.Philox(self.seed))
        best = None
        for start in range(self.starts):
            home = self._start(packets, network, start, generator)
            place = home[packets.ends[:, start % 2]]
            found = anneal(problem, home, place, steps, 2.0, 0.1, False, generator)
            if best is None or found[2] < best[2]:
                best = found
        assert best is not None
        for hot in (0.7, 1.5):
            found = anneal(problem, best[0], best[1], 2 * steps, hot, 0.1, True, generator)
            best = found if found[2] < best[2] else best
        return Distribution(packets, network, best[0], best[1])

    def _start(
        self, packets: Packets, network: ProcessorNetwork, start: int, generator: np.random.Generator
    ) -> NDArray[np.int64]:
        if start < 2:
            return seats_in_order(packets.qubits, network)[packets.owner]
        seats = np.repeat(np.arange(len(network.room)), network.room)
        return generator.permutation(seats)[: packets.qubits][packets.owner].astype(np.int64)
