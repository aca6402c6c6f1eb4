"""A network: `network=two_rings`."""

from dataclasses import dataclass
from typing import Annotated, Any

from ceas_ray.kernel.ranges import Range
from ceas_ray.network.routing import Graph, drawn, node_names, settled


@dataclass(frozen=True)
class TwoRings:
    """Two rings that share a node."""

    nodes: Annotated[int, Range(3, 100)]

    def build(self, processors: int, replicas: int, draws: Any) -> Any:
        rings = [list(range(self.nodes)), [0, *range(self.nodes, 2 * self.nodes - 1)]]
        pairs = [(ring[i - 1], ring[i]) for ring in rings for i in range(len(ring))]
        links = drawn(pairs, lengths_km=[0.5] * len(pairs), link_fidelity=0.985, draws=draws)
        graph = Graph(node_names(2 * self.nodes - 1), links, "it always is")
        return settled(
            graph, processors=processors, replicas=replicas, route_by="fidelity", swap_werner=draws.swap_werner
        )
