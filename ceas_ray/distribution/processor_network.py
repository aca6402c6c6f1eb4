"""The processors that share a circuit, and what it costs to entangle several of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numba import njit
from numpy.typing import NDArray

MAX_PROCESSORS = 12
"""Trees are looked up in a table over all sets of processors."""


@dataclass(frozen=True)
class ProcessorNetwork:
    """Nodes joined by links. capacities: data qubits that each node holds; 0 for a node that only swaps.

    Raises ValueError for edges to unknown nodes, a network that is not connected, and too many processors.
    """

    names: tuple[str, ...]
    capacities: tuple[int, ...]
    edges: tuple[tuple[int, int], ...]

    def __post_init__(self) -> None:
        nodes = len(self.names)
        if len(self.capacities) != nodes or any(capacity < 0 for capacity in self.capacities):
            raise ValueError(f"every one of {nodes} nodes must have a capacity >= 0, got {self.capacities}")
        if any(not (0 <= a < nodes and 0 <= b < nodes and a != b) for a, b in self.edges):
            raise ValueError(f"every edge must join two of {nodes} nodes, got {self.edges}")
        if not 1 <= len(self.processors) <= MAX_PROCESSORS:
            raise ValueError(f"1 to {MAX_PROCESSORS} nodes must have a capacity, got {len(self.processors)}")
        if not np.all(np.isfinite(self.distances[self.processors][:, self.processors])):
            raise ValueError("every processor must be reachable from every other one")

    @classmethod
    def from_edges(cls, edges: Sequence[tuple[int, int]], capacities: Sequence[int]) -> ProcessorNetwork:
        """Return a network of nodes that are named by their numbers."""
        return cls(tuple(str(k) for k in range(len(capacities))), tuple(capacities), tuple(edges))

    @cached_property
    def processors(self) -> list[int]:
        """The nodes with a capacity, ascending."""
        return [node for node, capacity in enumerate(self.capacities) if capacity > 0]

    @cached_property
    def room(self) -> NDArray[np.int64]:
        """Data qubits that each processor holds, (P,)."""
        return np.array([self.capacities[node] for node in self.processors], dtype=np.int64)

    @cached_property
    def distances(self) -> NDArray[np.float64]:
        """Links on the shortest path between any two nodes, (nodes, nodes); infinite if there is none."""
        nodes = len(self.names)
        found = np.full((nodes, nodes), np.inf)
        np.fill_diagonal(found, 0.0)
        for a, b in self.edges:
            found[a, b] = found[b, a] = 1.0
        for middle in range(nodes):
            found = np.minimum(found, found[:, middle, None] + found[None, middle, :])
        return found

    @cached_property
    def tree_costs(self) -> NDArray[np.int64]:
        """Links of the smallest tree that joins a set of processors, (2^P,): bit p of an index stands for processor p.

        Each link of the tree takes one Bell pair: the value of a qubit is copied (in its Z basis) along the tree. The
        tree may pass any node. Dreyfus and Wagner, Networks 1 (1971).
        """
        return np.rint(_steiner(self.distances, np.array(self.processors, dtype=np.int64))).astype(np.int64)


@njit(cache=True)
def _steiner(distances, terminals):  # type: ignore[no-untyped-def]
    nodes, count = len(distances), len(terminals)
    best = np.full((1 << count, nodes), np.inf)
    for t in range(count):
        best[1 << t] = distances[terminals[t]]
    for members in range(1, 1 << count):
        part = (members - 1) & members
        while part > 0:
            if part >= members ^ part:
                for v in range(nodes):
                    best[members, v] = min(best[members, v], best[part, v] + best[members ^ part, v])
            part = (part - 1) & members
        joined = best[members].copy()
        for v in range(nodes):
            for u in range(nodes):
                joined[v] = min(joined[v], best[members, u] + distances[u, v])
        best[members] = joined
    costs = np.zeros(1 << count)
    for members in range(1, 1 << count):
        for t in range(count):
            if members >> t & 1:
                costs[members] = best[members, terminals[t]]
                break
    return costs
