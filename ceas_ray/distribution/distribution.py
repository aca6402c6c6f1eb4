"""A distributed circuit: where its qubits are held and its gates are done, and what it costs."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ceas_ray.distribution.packets import Packets
from ceas_ray.distribution.processor_network import ProcessorNetwork
from ceas_ray.quantum.gate_list import GateList


@dataclass(frozen=True, eq=False)
class Distribution:
    """Who holds each qubit when, and who does each controlled phase.

    home: the processor that holds the qubit of each packet from the packet's begin on, (packets,); place: the processor
    of each controlled phase, (phases,). Both count processors of the network from 0. A packet's value is copied from
    the qubit's holder to all places of its gates, along the smallest tree; the same tree takes the qubit to its next
    home (a copy stays when the original is measured: teleportation).

    kept: the processors whose copies of the packet before the last one are kept for this packet, as bits, (packets,);
    only for packets that are crossable, whose qubit stays, and where they are used. What flips the qubit in between
    must flip them: its value is copied to them, too. Without it, none are kept.

    Raises ValueError if a processor would hold more qubits at a time than it has room for.
    """

    packets: Packets
    network: ProcessorNetwork
    home: NDArray[np.int64]
    place: NDArray[np.int64]
    kept: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, dtype=np.int64))

    def __post_init__(self) -> None:
        if len(self.kept) == 0:
            object.__setattr__(self, "kept", np.zeros_like(self.home))
        if self.home.shape != self.packets.owner.shape or self.place.shape != (len(self.packets.ends),):
            raise ValueError(f"homes and places must be those of {len(self.packets.owner)} packets, got {self.home}")
        most = np.max(self.held, axis=1)
        if np.any(most > self.network.room):
            raise ValueError(f"processors have room for {self.network.room} qubits, got {most}")
        if not self._keeps_what_it_can():
            raise ValueError(f"copies can be kept for crossable packets of qubits that stay, got {self.kept}")

    def _keeps_what_it_can(self) -> bool:
        keeping = np.flatnonzero(self.kept)
        crossed = np.isin(self.packets.ends, keeping - 1)
        return bool(
            np.all(self.packets.crossable[keeping])
            and np.all(self.home[keeping] == self.home[keeping - 1])
            and np.all(self.home[keeping] == self.home[keeping - 2])
            and np.all(self.kept & ~self.needed == 0)
            and np.all(self.kept >> self.home & 1 == 0)
            and not np.any(np.all(crossed, axis=1))
            and not np.any(np.diff(keeping) == 1)
        )

    @cached_property
    def held(self) -> NDArray[np.int64]:
        """Qubits that each processor holds before each controlled phase and at the end, (P, phases + 1).

        A qubit that moves is in a memory for pairs between the last phase before and the first one after, and held by
        nobody.
        """
        packets, times = self.packets, len(self.place) + 1
        last = np.append(packets.owner[1:] != packets.owner[:-1], True)
        until = packets.end.copy()
        stays = np.flatnonzero(~last & (self.home == self.next_home))
        until[stays] = packets.begin[stays + 1]
        change = np.zeros((len(self.network.room), times + 1), dtype=np.int64)
        np.add.at(change, (self.home, packets.begin), 1)
        np.add.at(change, (self.home, until), -1)
        held: NDArray[np.int64] = np.cumsum(change, axis=1)[:, :times]
        return held

    @cached_property
    def next_home(self) -> NDArray[np.int64]:
        """Where the qubit of each packet is held after it, (packets,)."""
        following = self.home.copy()
        moves = np.flatnonzero(self.packets.owner[1:] == self.packets.owner[:-1])
        following[moves] = self.home[moves + 1]
        return following

    @cached_property
    def needed(self) -> NDArray[np.int64]:
        """The processors that need the value of each packet, as bits, (packets,)."""
        bits: NDArray[np.int64] = np.left_shift(1, self.next_home)
        following = np.flatnonzero(self.packets.owner[2:] == self.packets.owner[:-2])
        bits[following] |= self.kept[following + 2]
        kept_over = np.zeros_like(bits)  # copies that wait while a packet goes on
        kept_over[:-1] = self.kept[1:]
        for column in range(2):
            packet, other = self.packets.ends[:, column], self.packets.ends[:, 1 - column]
            np.bitwise_or.at(bits, packet, np.left_shift(1, self.place) | kept_over[other])
        return bits

    @property
    def pairs(self) -> int:
        """Bell pairs of links that one execution takes: what the edges of each packet's trees cost."""
        homes = np.left_shift(1, self.home)
        keeps = self.kept != 0
        trees = np.sum(self.network.tree_costs[(self.needed | homes)[~keeps]])
        return int(trees + np.sum(self.network.forest_costs[(self.kept | homes)[keeps], self.needed[keeps]]))


class Distributor(Protocol):
    """Finds a distribution of a circuit over a network: the same one each time."""

    def __call__(self, circuit: GateList, network: ProcessorNetwork) -> Distribution:
        """Raise ValueError if the network has not room for all qubits."""


def refuse_without_room(qubits: int, network: ProcessorNetwork) -> None:
    """Raise ValueError unless the processors hold all qubits."""
    if qubits > np.sum(network.room):
        raise ValueError(f"the processors have room for {np.sum(network.room)} qubits, the circuit has {qubits}")


def seats_in_order(qubits: int, network: ProcessorNetwork) -> NDArray[np.int64]:
    """Return the processor of each qubit when they fill the processors in order, (qubits,)."""
    return np.repeat(np.arange(len(network.room)), network.room)[:qubits].astype(np.int64)
