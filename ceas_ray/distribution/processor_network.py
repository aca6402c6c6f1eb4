"""The processors that share a circuit, and what it costs to entangle several of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ceas_ray.kernel.compiled_code import njit

MAX_PROCESSORS, MAX_NODES = 12, 100
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
        if nodes > MAX_NODES:
            raise ValueError(f"a network must have at most {MAX_NODES} nodes, got {nodes}")
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
        last = np.zeros(1 << len(self.processors), dtype=np.int64)
        for p, node in enumerate(self.processors):
            last[1 << p : 2 << p] = node
        costs: NDArray[np.int64] = self._tree_table[np.arange(len(last)), last]
        costs[0] = 0
        return costs

    def tree(self, members: int, root: int) -> dict[int, int]:
        """Return the parent of every node but the root in a smallest tree that joins these processors (bits) and it."""
        edges = self._edges_of_tree(members, root)
        neighbors: dict[int, list[int]] = {}
        for a, b in sorted(edges):
            neighbors.setdefault(a, []).append(b)
            neighbors.setdefault(b, []).append(a)
        parents: dict[int, int] = {}
        reached = [root]
        for node in reached:
            for other in neighbors.get(node, ()):
                if other != root and other not in parents:
                    parents[other] = node
                    reached.append(other)
        assert len(parents) == len(edges), "the edges are a tree"
        return parents

    @cached_property
    def _tree_table(self) -> NDArray[np.int64]:
        """Links of the smallest tree that joins a set of processors and a node, (2^P, nodes)."""
        far = 4 * len(self.names)
        distances = np.where(np.isfinite(self.distances), self.distances, far).astype(np.int64)
        return _smallest_trees(distances, np.array(self.processors, dtype=np.int64))

    def _edges_of_tree(self, members: int, node: int) -> set[tuple[int, int]]:
        """The edges of a smallest tree that joins a set of processors and a node, each with its lower node first."""
        if members & (members - 1) == 0:
            terminal = self.processors[members.bit_length() - 1] if members else node
            return self._edges_of_path(terminal, node)
        table, cost = self._tree_table, self._tree_table[members, node]
        part = (members - 1) & members
        while part > 0:
            joined = table[part] + table[members ^ part] + self.distances[node]
            if np.min(joined) == cost:
                middle = int(np.argmin(joined))
                halves = self._edges_of_tree(part, middle) | self._edges_of_tree(members ^ part, middle)
                return halves | self._edges_of_path(middle, node)
            part = (part - 1) & members
        raise AssertionError("the table holds the costs of trees")

    def _edges_of_path(self, source: int, target: int) -> set[tuple[int, int]]:
        """The edges of a shortest path, through the lowest nodes."""
        links = {*self.edges, *((b, a) for a, b in self.edges)}
        found: set[tuple[int, int]] = set()
        while source != target:
            nearer = self.distances[source, target] - 1
            step = next(
                k for k in range(len(self.names)) if (source, k) in links and self.distances[k, target] == nearer
            )
            found.add((min(source, step), max(source, step)))
            source = step
        return found


@njit(cache=True)
def _smallest_trees(distances, terminals):  # type: ignore[no-untyped-def]
    nodes, count = len(distances), len(terminals)
    best = np.full((1 << count, nodes), 4 * nodes * nodes, np.int64)
    best[0] = 0
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
    return best
