"""A closed chain of nodes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np

from ceas_ray.kernel.ranges import Range
from ceas_ray.network.routing import MAX_NODES, LinkFidelity, LinkKilometres, RouteBy
from ceas_ray.network.several_paths import Paths
from ceas_ray.network.topology import Layout, LayoutTopology


@dataclass(frozen=True)
class Ring(LayoutTopology):
    """Each node linked to the next, the last one to the first.

    nodes: with the hub's. link_km, link_fidelity: of every link; None: drawn as the links' settings say.
    route_by: fidelity or rate. paths, in_parallel: see `routed`.
    """

    nodes: Annotated[int, Range(3, MAX_NODES)]
    link_km: LinkKilometres | None
    link_fidelity: LinkFidelity | None
    route_by: RouteBy
    paths: Paths = 1
    in_parallel: bool = False

    def layout(self, generator: np.random.Generator) -> Layout:
        """See `LayoutTopology`."""
        pairs = [(i, (i + 1) % self.nodes) for i in range(self.nodes)]
        return Layout(self.nodes, pairs, [self.link_km] * len(pairs))
