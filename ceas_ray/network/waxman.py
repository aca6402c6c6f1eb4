"""Nodes in a square, linked at random, near ones rather than far ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np

from ceas_ray.kernel.ranges import Range, check_ranges
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
class Waxman:
    """Nodes d apart are linked with probability beta exp(-d / (alpha L)), L the diagonal (Waxman, IEEE JSAC 6, 1988).

    nodes: with the hub's. side_km: of the square. Links are as long as their nodes are apart.
    link_fidelity: of every link; None: drawn as the links' settings say. route_by: fidelity or rate.
    """

    nodes: Nodes
    side_km: LinkKilometres
    alpha: Annotated[float, Range(0, 1000, open_below=True)]
    beta: Annotated[float, Range(0, 1, open_below=True)]
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
        chances = self.beta * np.exp(-lengths / (self.alpha * self.side_km * np.sqrt(2)))
        linked = generator.random(len(pairs)) < chances
        links = drawn(
            pairs[linked],
            lengths_km=lengths[linked],
            link_fidelity=self.link_fidelity,
            hardware=hardware,
            spread=spread,
            generator=generator,
        )
        graph = Graph(node_names(self.nodes), links, "raise network.alpha or network.beta (or take another seed)")
        return settled(
            graph, processors=processors, replicas=replicas, route_by=self.route_by, swap_werner=hardware.swap_werner
        )
