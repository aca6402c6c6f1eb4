"""Nodes in a square, linked where they are near."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ceas_ray.network.routing import LinkFidelity, LinkKilometres, Nodes, RouteBy, pairs_in_square
from ceas_ray.network.several_paths import Paths
from ceas_ray.network.topology import Layout, LayoutTopology


@dataclass(frozen=True)
class RandomGeometric(LayoutTopology):
    """Nodes are drawn uniformly in a square; two that are at most `radius_km` apart are linked.

    nodes: with the hub's. side_km: of the square. Links are as long as their nodes are apart.
    link_fidelity: of every link; None: drawn as the links' settings say. route_by: fidelity or rate. paths,
    in_parallel: see `routed`.
    """

    nodes: Nodes
    side_km: LinkKilometres
    radius_km: LinkKilometres
    link_fidelity: LinkFidelity | None
    route_by: RouteBy
    paths: Paths = 1
    in_parallel: bool = False
    remedy: ClassVar[str] = "raise network.radius_km (or take another seed)"

    def layout(self, generator: np.random.Generator) -> Layout:
        """See `LayoutTopology`."""
        pairs, lengths = pairs_in_square(self.nodes, self.side_km, generator)
        linked = lengths <= self.radius_km
        return Layout(self.nodes, pairs[linked], lengths[linked])
