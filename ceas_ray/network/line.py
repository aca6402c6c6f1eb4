"""A chain of nodes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ceas_ray.kernel.ranges import check_ranges
from ceas_ray.network.link_parameters import Heterogeneity, LinkHardware
from ceas_ray.network.network_plan import NetworkPlan
from ceas_ray.network.routing import Graph, LinkFidelity, LinkKilometres, Nodes, RouteBy, drawn, node_names, settled


@dataclass(frozen=True)
class Line:
    """Each node linked to the next.

    nodes: with the hub's. link_km, link_fidelity: of every link; None: drawn as the links' settings say.
    route_by: fidelity or rate.
    """

    nodes: Nodes
    link_km: LinkKilometres | None
    link_fidelity: LinkFidelity | None
    route_by: RouteBy

    def __post_init__(self) -> None:
        """Raise ValueError for values out of range."""
        check_ranges(self)

    def build(
        self,
        processors: int,
        replicas: int,
        *,
        hardware: LinkHardware,
        spread: Heterogeneity,
        generator: np.random.Generator,
    ) -> NetworkPlan:
        """Draw the links; the hub at the center, replicas and then processors from the nearest node on."""
        pairs = [(i, i + 1) for i in range(self.nodes - 1)]
        links = drawn(
            pairs,
            lengths_km=[self.link_km] * len(pairs),
            link_fidelity=self.link_fidelity,
            hardware=hardware,
            spread=spread,
            generator=generator,
        )
        graph = Graph(node_names(self.nodes), links, "it always is")
        return settled(
            graph, processors=processors, replicas=replicas, route_by=self.route_by, swap_werner=hardware.swap_werner
        )
