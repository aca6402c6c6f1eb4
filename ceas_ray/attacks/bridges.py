"""Bridges: rows between honest ones, that these be taken for copies of each other. Ours."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np
import rustworkx

from ceas_ray.attacks.attack import Attack, AttackContext, Floats, Knowledge, Strength, bounded
from ceas_ray.attacks.directions import farthest_along
from ceas_ray.attacks.farthest_row import pairwise_squared_distances


@dataclass(frozen=True)
class Bridges(Attack):
    """Each colluder sends `strength` times the midpoint of two known rows: of those that point farthest along the mean,
    each edge of their minimum spanning tree gets one.

    A midpoint halves the distance that a rule must think near; where it does, a chain of honest rows counts as one, and
    the rows that carry the most of the gradient share a single vote. With too few known rows some edges get several.
    """

    strength: Strength
    knowledge: Knowledge

    def __call__(self, seen: AttackContext, generator: np.random.Generator) -> Floats:
        """See `Attack`."""
        best = farthest_along(seen.known, np.mean(seen.known, axis=0), len(seen.own) + 1)
        edges = spanning_tree(pairwise_squared_distances(best)) or [(0, 0)]
        middles = np.stack([(best[i] + best[j]) / 2 for i, j in edges])
        return bounded(self.strength * middles[np.arange(len(seen.own)) % len(middles)])


def spanning_tree(distances: Floats) -> list[tuple[int, int]]:
    """Return the edges of a minimum spanning tree of rows with these distances (n, n), the shortest first."""
    graph: rustworkx.PyGraph[int, float] = rustworkx.PyGraph()
    graph.add_nodes_from(list(range(len(distances))))
    graph.add_edges_from([(i, j, float(distances[i, j])) for i, j in combinations(range(len(distances)), 2)])
    return [(i, j) for i, j, _ in rustworkx.minimum_spanning_edges(graph, weight_fn=float)]
