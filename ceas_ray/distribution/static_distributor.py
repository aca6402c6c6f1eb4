"""Qubits as placed and one copy for every gate: what packing is measured against."""

from __future__ import annotations

from dataclasses import dataclass

from ceas_ray.distribution.distribution import Distribution, refuse_without_room, seats_in_order
from ceas_ray.distribution.packets import packets_of
from ceas_ray.distribution.processor_network import ProcessorNetwork
from ceas_ray.quantum.gate_list import GateList, normal_form


@dataclass(frozen=True)
class StaticDistributor:
    """Fills the processors with qubits in their order; a gate is done at its second qubit, with a copy of the first."""

    def __call__(self, circuit: GateList, network: ProcessorNetwork) -> Distribution:
        """See `Distributor`."""
        refuse_without_room(circuit.qubits, network)
        packets = packets_of(circuit.qubits, normal_form(circuit.qubits, circuit.gates), shared=False)
        home = seats_in_order(circuit.qubits, network)[packets.owner]
        return Distribution(packets, network, home, home[packets.ends[:, 1]])
