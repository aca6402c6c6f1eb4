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
MAX_IN_FORESTS = 8
"""Processors: forests are looked up in a table over all pairs of such sets."""


@dataclass(frozen=True)
class ProcessorNetwork:
    """Nodes joined by links. capacities: data qubits that each node holds; 0 for a node that only swaps.

    costs: in Bell pairs of links, of a pair over each edge; one of each without it. Raises ValueError for edges to
    unknown nodes, costs below 1, a network that is not connected, and too many processors.
    """

    names: tuple[str, ...]
    capacities: tuple[int, ...]
    edges: tuple[tuple[int, int], ...]
    costs: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        nodes = len(self.names)
        if len(self.capacities) != nodes or any(capacity < 0 for capacity in self.capacities):
            raise ValueError(f"every one of {nodes} nodes must have a capacity >= 0, got {self.capacities}")
        if any(not (0 <= a < nodes and 0 <= b < nodes and a != b) for a, b in self.edges):
            raise ValueError(f"every edge must join two of {nodes} nodes, got {self.edges}")
        if self.costs and (len(self.costs) != len(self.edges) or min(self.costs) < 1):
            raise ValueError(f"every one of {len(self.edges)} edges must have a cost of at least 1, got {self.costs}")
        if not 1 <= len(self.processors) <= MAX_PROCESSORS:
            raise ValueError(f"1 to {MAX_PROCESSORS} nodes must have a capacity, got {len(self.processors)}")
        if nodes > MAX_NODES:
            raise ValueError(f"a network must have at most {MAX_NODES} nodes, got {nodes}")
        if not np.all(np.isfinite(self.distances[self.processors][:, self.processors])):
            raise ValueError("every processor must be reachable from every other one")

    @classmethod
    def from_edges(
        cls, edges: Sequence[tuple[int, int]], capacities: Sequence[int], costs: Sequence[int] = ()
    ) -> ProcessorNetwork:
        """Return a network of nodes that are named by their numbers."""
        return cls(tuple(str(k) for k in range(len(capacities))), tuple(capacities), tuple(edges), tuple(costs))

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
        """Cost of the cheapest path between any two nodes, (nodes, nodes); infinite if there is none."""
        nodes = len(self.names)
        found = np.full((nodes, nodes), np.inf)
        np.fill_diagonal(found, 0.0)
        for (a, b), cost in self._cost_of.items():
            found[a, b] = cost
        for middle in range(nodes):
            found = np.minimum(found, found[:, middle, None] + found[None, middle, :])
        return found

    @cached_property
    def _cost_of(self) -> dict[tuple[int, int], int]:
        """The cost of each edge, both ways."""
        costs = dict(zip(self.edges, self.costs or [1] * len(self.edges), strict=True))
        return costs | {(b, a): cost for (a, b), cost in costs.items()}

    @property
    def cheapest(self) -> int:
        """Cost of the cheapest edge; 1 if there is none."""
        return min(self.costs, default=1)

    @cached_property
    def tree_costs(self) -> NDArray[np.int64]:
        """Cost of the smallest tree that joins a set of processors, (2^P,): bit p of an index stands for processor p.

        Each edge of the tree takes one Bell pair: the value of a qubit is copied (in its Z basis) along the tree. The
        tree may pass any node. Dreyfus and Wagner, Networks 1 (1971).
        """
        last = np.zeros(1 << len(self.processors), dtype=np.int64)
        for p, node in enumerate(self.processors):
            last[1 << p : 2 << p] = node
        costs: NDArray[np.int64] = self._tree_table[np.arange(len(last)), last]
        costs[0] = 0
        return costs

    @property
    def prices_forests(self) -> bool:
        """Whether there are few enough processors for `forest_costs`."""
        return len(self.processors) <= MAX_IN_FORESTS

    @cached_property
    def forest_costs(self) -> NDArray[np.int64]:
        """Cost of the smallest forest that joins each of some processors with one of some others, (2^P, 2^P).

        Bits of the first index are the others, which have the value already; 0 if there are none.
        """
        assert self.prices_forests, "there are few processors"
        found: NDArray[np.int64] = _smallest_forests(self.tree_costs)
        return found

    def forest(self, members: int, sources: int) -> dict[int, int]:
        """Return the parent of every node but the sources in a smallest forest that joins these processors to them.

        members, sources: processors as bits; at least one source.
        """
        edges: set[tuple[int, int]] = set()
        roots = [node for p, node in enumerate(self.processors) if sources >> p & 1]
        rest = members & ~sources
        while rest:
            part, root = self._best_part(rest, roots, sources)
            edges |= self._edges_of_tree(part, root)
            rest &= ~part
        neighbors: dict[int, list[int]] = {}
        for a, b in sorted(edges):
            neighbors.setdefault(a, []).append(b)
            neighbors.setdefault(b, []).append(a)
        parents: dict[int, int] = {}
        reached = list(roots)
        for node in reached:
            for other in neighbors.get(node, ()):
                if other not in roots and other not in parents:
                    parents[other] = node
                    reached.append(other)
        assert len(parents) == len(edges), "the edges are a forest"
        return parents

    def _best_part(self, rest: int, roots: list[int], sources: int) -> tuple[int, int]:
        """Return the processors of the tree with the lowest of the rest in a smallest forest, and the source that it
        joins.
        """
        if len(roots) == 1:
            return rest, roots[0]
        lowest = rest & -rest
        part = rest
        while True:
            if part & lowest:
                root = min(roots, key=lambda node: (self._tree_table[part, node], node))
                left = self.forest_costs[sources, rest & ~part]
                if self._tree_table[part, root] + left == self.forest_costs[sources, rest]:
                    return part, root
            part = (part - 1) & rest

    @cached_property
    def _tree_table(self) -> NDArray[np.int64]:
        """Cost of the smallest tree that joins a set of processors and a node, (2^P, nodes)."""
        far = 4 * len(self.names) * max(self.costs, default=1)
        distances = np.where(np.isfinite(self.distances), self.distances, far).astype(np.int64)
        return _smallest_trees(distances, np.array(self.processors, dtype=np.int64))

    def _edges_of_tree(self, members: int, node: int) -> set[tuple[int, int]]:
        """Return the edges of a smallest tree that joins a set of processors and a node, each with its lower node
        first.
        """
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
        """Return the edges of a cheapest path, through the lowest nodes."""
        found: set[tuple[int, int]] = set()
        while source != target:
            left = self.distances[source, target]
            step = min(
                k for (a, k), cost in self._cost_of.items() if a == source and self.distances[k, target] == left - cost
            )
            found.add((min(source, step), max(source, step)))
            source = step
        return found


@njit(cache=True)
def _smallest_trees(distances, terminals):  # type: ignore[no-untyped-def]
    nodes, count = len(distances), len(terminals)
    best = np.full((1 << count, nodes), 4 * nodes * max(1, np.max(distances)), np.int64)
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


@njit(cache=True)
def _smallest_forests(trees):  # type: ignore[no-untyped-def]
    sets = len(trees)
    found = np.zeros((sets, sets), np.int64)
    near = np.zeros(sets, np.int64)
    for sources in range(1, sets):
        for members in range(1, sets):
            near[members] = 4 * max(1, np.max(trees)) * sets
            left = sources
            while left:
                near[members] = min(near[members], trees[members | (left & -left)])
                left &= left - 1
        for members in range(1, sets):
            rest = members & ~sources
            if rest == 0:
                continue
            lowest = rest & -rest
            others, best = rest ^ lowest, near[rest]
            part = others
            while part > 0:
                best = min(best, near[rest ^ part] + found[sources, part])
                part = (part - 1) & others
            found[sources, members] = best
    return found
