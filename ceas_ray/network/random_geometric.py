"""Nodes in a square, linked where they are near."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ceas_ray.kernel.ranges import check_ranges
from ceas_ray.network.link_parameters import Heterogeneity, LinkHardware
from ceas_ray.network.network_plan import NetworkPlan
from ceas_ray.network.routing import (
    Graph,
    LinkFidelity,
    LinkKilometres,
    Nodes,
    RouteBy,
    drawn,
    node_names,
    pairs_in_square,
    settled,
)


@dataclass(frozen=True)
class RandomGeometric:
    """Nodes are drawn uniformly in a square; two that are at most `radius_km` apart are linked.

    nodes: with the hub's. side_km: of the square. Links are as long as their nodes are apart.
    link_fidelity: of every link; None: drawn as the links' settings say. route_by: fidelity or rate.
    """

    nodes: Nodes
    side_km: LinkKilometres
    radius_km: LinkKilometres
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
        """Draw places and links; the hub at the center, replicas and then processors from the nearest node on.

        Raises ValueError if some node cannot be reached: nothing is drawn again in silence.
        """
        pairs, lengths = pairs_in_square(self.nodes, self.side_km, generator)
        linked = lengths <= self.radius_km
        links = drawn(
            pairs[linked],
            lengths_km=lengths[linked],
            link_fidelity=self.link_fidelity,
            hardware=hardware,
            spread=spread,
            generator=generator,
        )
        graph = Graph(node_names(self.nodes), links, "raise network.radius_km (or take another seed)")
        return settled(
            graph, processors=processors, replicas=replicas, route_by=self.route_by, swap_werner=hardware.swap_werner
        )
