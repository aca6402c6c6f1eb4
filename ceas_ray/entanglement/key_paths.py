"""The paths that end-to-end pairs for keys take through the network, and what they can distil."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from ceas_ray.entanglement.demand import Demand, asymptotic_bits, key_path_fidelity, key_path_seconds
from ceas_ray.messages.payloads import processor_name, replica_name
from ceas_ray.network.network_plan import NetworkPlan
from ceas_ray.network.route import Route


class KeyPath(NamedTuple):
    """Two parties that share keys: the name of the first, and the number of the second, which is a replica."""

    owner: str
    replica: int

    @property
    def peer(self) -> str:
        """The replica's name."""
        return replica_name(self.replica)


class KeyPaths:
    """Key paths: the links that their pairs take, and how long these need for the bits.

    What was computed for a path once is kept: it depends on network and demand alone.
    """

    def __init__(self, network: NetworkPlan, demand: Demand) -> None:
        self._network, self._demand = network, demand
        self._fidelity_of: dict[KeyPath, float] = {}
        self._raw_bits_of: dict[tuple[float, float], float] = {}
        self._seconds_of: dict[KeyPath, float] = {}
        self._links_of: dict[KeyPath, tuple[int, ...]] = {}

    def __iter__(self) -> Iterator[KeyPath]:
        """Return every processor with every replica, and every two replicas once."""
        for j in range(len(self._network.replica_routes)):
            yield from (KeyPath(processor_name(k), j) for k in range(len(self._network.processor_routes)))
            yield from (KeyPath(replica_name(i), j) for i in range(j))

    def weakest(self) -> tuple[KeyPath, ...]:
        """Return paths of which one has pairs of the least fidelity: if all of these yield keys, every path does.

        A swap passes on what either of its pairs lacks, so the weakest routes make the weakest path.
        """
        network, replicas = self._network, range(len(self._network.replica_routes))
        if not network.swapped:
            return (min(self, key=lambda path: self.route(path).legs[0].fidelity),)
        owners = (processor_name(k) for k in range(len(network.processor_routes)))
        owner = min(owners, key=lambda name: self._fidelity(KeyPath(name, 0)))
        one = min(replicas, key=lambda j: self._fidelity(KeyPath(owner, j)))
        other = min((j for j in replicas if j != one), key=lambda j: self._fidelity(KeyPath(owner, j)))
        return (KeyPath(owner, one), KeyPath(replica_name(min(one, other)), max(one, other)))

    def _fidelity(self, path: KeyPath) -> float:
        """Return the fidelity of a path's pairs at half of their useful age."""
        return key_path_fidelity(self.route(path), self._demand)

    def route(self, path: KeyPath) -> Route:
        """Return the route of a path's pairs, from its owner to the replica."""
        return self._network.key_route(path.owner, path.peer)

    def links(self, path: KeyPath) -> tuple[int, ...]:
        """Return the numbers of the links of a path; a link on the routes of both parties comes twice."""
        if path not in self._links_of:
            self._links_of[path] = self.route(path).links
        return self._links_of[path]

    def raw_bits(self, path: KeyPath, bits: float) -> float:
        """Return the asymptotic bits that a path distils for `bits` of key: more than those where blocks are finite.

        The margin is one of time alone: a finite block some of whose pairs are spare yields keys that nobody needs.
        """
        if not self._demand.finite_keys or bits == 0:
            return bits
        fidelity = self.block_fidelity(path)
        if (fidelity, bits) not in self._raw_bits_of:
            self._raw_bits_of[fidelity, bits] = asymptotic_bits(fidelity, bits)
        return self._raw_bits_of[fidelity, bits]

    def block_fidelity(self, path: KeyPath) -> float:
        """Return the fidelity that the size of a path's finite blocks is chosen for, to three digits."""
        if path not in self._fidelity_of:
            self._fidelity_of[path] = round(key_path_fidelity(self.route(path), self._demand), 3)
        return self._fidelity_of[path]

    def seconds(self, path: KeyPath, bits: float) -> float:
        """Return how long a path needs for this many bits; the time is proportional to their number."""
        if path not in self._seconds_of:
            self._seconds_of[path] = key_path_seconds(self.route(path), 1.0, self._demand)
        return self._seconds_of[path] * self.raw_bits(path, bits)
