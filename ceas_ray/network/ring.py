"""A closed chain of nodes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ceas_ray.network.link_parameters import Heterogeneity, LinkHardware
from ceas_ray.network.network_plan import NetworkPlan
from ceas_ray.network.routing import Graph, RouteBy, checked, drawn, node_names, settled


@dataclass(frozen=True)
class Ring:
    """Each node linked to the next, the last one to the first.

    nodes: with the hub's. link_km, link_fidelity: of every link; None: drawn as the links' settings say.
    route_by: fidelity or rate.
    """

    nodes: int
    link_km: float | None
    link_fidelity: float | None
    route_by: RouteBy

    def __post_init__(self) -> None:
        """Raises ValueError for values out of range."""
        checked("nodes", self.nodes, 3)
        checked("link_km", self.link_km, 0, exclusive=True)
        checked("link_fidelity", self.link_fidelity, 0.25, 1)

    def build(
        self,
        processors: int,
        replicas: int,
        hardware: LinkHardware,
        spread: Heterogeneity,
        generator: np.random.Generator,
    ) -> NetworkPlan:
        """Draw the links; the hub at the center, replicas and then processors from the nearest node on."""
        pairs = [(i, (i + 1) % self.nodes) for i in range(self.nodes)]
        links = drawn(pairs, [self.link_km] * len(pairs), self.link_fidelity, hardware, spread, generator)
        graph = Graph(node_names(self.nodes), links, "it always is")
        return settled(graph, processors, replicas, self.route_by, hardware.swap_werner)
