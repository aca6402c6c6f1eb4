"""A distributed circuit: where its qubits are held and its gates are done, and what it costs."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ceas_ray.distribution.packets import Packets
from ceas_ray.distribution.processor_network import ProcessorNetwork


@dataclass(frozen=True, eq=False)
class Distribution:
    """Who holds each qubit, and who does each controlled phase.

    home: the processor of each qubit, (qubits,); place: the processor of each gate, (gates,): both count processors of
    the network from 0. A packet's value is copied from the qubit's holder to all places of its gates, along the
    smallest tree. Raises ValueError if a processor holds more qubits than it has room for.
    """

    packets: Packets
    network: ProcessorNetwork
    home: NDArray[np.int64]
    place: NDArray[np.int64]

    def __post_init__(self) -> None:
        held = np.bincount(self.home, minlength=len(self.network.room))
        if len(self.home) != self.packets.qubits or len(held) != len(self.network.room):
            raise ValueError(f"every one of {self.packets.qubits} qubits must have a holder, got {self.home}")
        if np.any(held > self.network.room):
            raise ValueError(f"processors have room for {self.network.room} qubits, got {held}")

    @cached_property
    def reach(self) -> NDArray[np.int64]:
        """The processors that each packet's tree joins, as bits, (packets,)."""
        bits = np.left_shift(1, self.home[self.packets.owner])
        for column in range(2):
            np.bitwise_or.at(bits, self.packets.gates[:, column], np.left_shift(1, self.place))
        return bits

    @property
    def pairs(self) -> int:
        """Bell pairs that one execution takes: one for each link of each packet's tree."""
        return int(np.sum(self.network.tree_costs[self.reach]))


class Distributor(Protocol):
    """Finds a distribution of a circuit over a network: the same one each time."""

    def __call__(self, packets: Packets, network: ProcessorNetwork) -> Distribution:
        """Raises ValueError if the network has not room for all qubits."""


def refuse_without_room(packets: Packets, network: ProcessorNetwork) -> None:
    """Raise ValueError unless the processors hold all qubits."""
    if packets.qubits > np.sum(network.room):
        raise ValueError(
            f"the processors have room for {np.sum(network.room)} qubits, the circuit has {packets.qubits}"
        )
