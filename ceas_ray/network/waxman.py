"""Nodes in a square, linked at random, near ones rather than far ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np

from ceas_ray.kernel.ranges import Range
from ceas_ray.network.routing import LinkFidelity, LinkKilometres, Nodes, RouteBy, pairs_in_square
from ceas_ray.network.several_paths import Paths
from ceas_ray.network.topology import Layout, LayoutTopology


@dataclass(frozen=True)
class Waxman(LayoutTopology):
    """Nodes d apart are linked with probability beta exp(-d / (alpha L)), L the diagonal (Waxman, IEEE JSAC 6, 1988).

    nodes: with the hub's. side_km: of the square. Links are as long as their nodes are apart.
    link_fidelity: of every link; None: drawn as the links' settings say. route_by: fidelity or rate. paths,
    in_parallel: see `routed`.
    """

    nodes: Nodes
    side_km: LinkKilometres
    alpha: Annotated[float, Range(0, 1000, open_below=True)]
    beta: Annotated[float, Range(0, 1, open_below=True)]
    link_fidelity: LinkFidelity | None
    route_by: RouteBy
    paths: Paths = 1
    in_parallel: bool = False
    remedy: ClassVar[str] = "raise network.alpha or network.beta (or take another seed)"

    def layout(self, generator: np.random.Generator) -> Layout:
        """See `LayoutTopology`."""
        pairs, lengths = pairs_in_square(self.nodes, self.side_km, generator)
        chances = self.beta * np.exp(-lengths / (self.alpha * self.side_km * np.sqrt(2)))
        linked = generator.random(len(pairs)) < chances
        return Layout(self.nodes, pairs[linked], lengths[linked])
