"""A chain of nodes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ceas_ray.network.routing import LinkFidelity, LinkKilometres, Nodes, RouteBy
from ceas_ray.network.several_paths import Paths
from ceas_ray.network.topology import Layout, LayoutTopology


@dataclass(frozen=True)
class Line(LayoutTopology):
    """Each node linked to the next.

    nodes: with the hub's. link_km, link_fidelity: of every link; None: drawn as the links' settings say.
    route_by: fidelity or rate. paths, in_parallel: see `routed`.
    """

    nodes: Nodes
    link_km: LinkKilometres | None
    link_fidelity: LinkFidelity | None
    route_by: RouteBy
    paths: Paths = 1
    in_parallel: bool = False

    def layout(self, generator: np.random.Generator) -> Layout:
        """See `LayoutTopology`."""
        pairs = [(i, i + 1) for i in range(self.nodes - 1)]
        return Layout(self.nodes, pairs, [self.link_km] * len(pairs))
