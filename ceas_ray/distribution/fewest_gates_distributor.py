"""The fewest gates between processors, one copy for each: the partition of `training.partition=circuit`."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np

from ceas_ray.distribution.distribution import Distribution, refuse_without_room
from ceas_ray.distribution.packets import packets_of
from ceas_ray.distribution.processor_network import ProcessorNetwork
from ceas_ray.quantum.gate_list import GateList, normal_form
from ceas_ray.quantum.partition import parts_with_fewest_remote_gates

MAX_SEATS = 60
"""Of qubits times processors: beyond, the integer program can take hours."""


@dataclass(frozen=True)
class FewestGatesDistributor:
    """Places qubits such that the fewest gates are remote: an integer program, solved to its optimum.

    Distances do not count, and a gate is done at its second qubit, with a copy of the first.
    """

    def __call__(self, circuit: GateList, network: ProcessorNetwork) -> Distribution:
        """See `Distributor`; raises ValueError for large circuits, too."""
        refuse_without_room(circuit.qubits, network)
        if circuit.qubits * len(network.room) > MAX_SEATS:
            raise ValueError(
                f"fewest_gates takes at most {MAX_SEATS} as qubits times processors, got {circuit.qubits} times "
                f"{len(network.room)}; the distributor packed has no such bound"
            )
        packets = packets_of(circuit.qubits, normal_form(circuit.qubits, circuit.gates), shared=False)
        pairs = Counter(tuple(sorted((phase.first, phase.second))) for phase in packets.phases)
        edges = {(a, b): count for (a, b), count in sorted(pairs.items())}
        nothing = [0] * len(network.room)
        home = np.array(
            parts_with_fewest_remote_gates(circuit.qubits, edges, min_qubits=nothing, max_qubits=network.room.tolist()),
            dtype=np.int64,
        )
        home = home[packets.owner]
        return Distribution(packets, network, home, home[packets.ends[:, 1]])
