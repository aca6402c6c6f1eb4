"""A rectangular lattice of nodes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np

from ceas_ray.kernel.ranges import Range, check_ranges
from ceas_ray.network.link_parameters import Heterogeneity, LinkHardware
from ceas_ray.network.network_plan import NetworkPlan
from ceas_ray.network.routing import (
    MAX_NODES,
    Graph,
    LinkFidelity,
    LinkKilometres,
    RouteBy,
    drawn,
    node_names,
    settled,
)


@dataclass(frozen=True)
class Grid:
    """Each node linked to its neighbours in its row and column.

    rows, columns: together at least 2 nodes, the hub's included. link_km, link_fidelity: of every link; None: drawn as
    the links' settings say. route_by: fidelity or rate.
    """

    rows: Annotated[int, Range(1, MAX_NODES)]
    columns: Annotated[int, Range(1, MAX_NODES)]
    link_km: LinkKilometres | None
    link_fidelity: LinkFidelity | None
    route_by: RouteBy

    def __post_init__(self) -> None:
        """Raise ValueError for values out of range."""
        check_ranges(self)
        if not 2 <= self.rows * self.columns <= MAX_NODES:
            raise ValueError(f"rows * columns must be a number in [2, {MAX_NODES}], got {self.rows * self.columns}")

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
        nodes = range(self.rows * self.columns)
        across = [(i, i + 1) for i in nodes if (i + 1) % self.columns]
        down = [(i, i + self.columns) for i in nodes if i + self.columns < len(nodes)]
        pairs = across + down
        links = drawn(
            pairs,
            lengths_km=[self.link_km] * len(pairs),
            link_fidelity=self.link_fidelity,
            hardware=hardware,
            spread=spread,
            generator=generator,
        )
        graph = Graph(node_names(self.rows * self.columns), links, "it always is")
        return settled(
            graph, processors=processors, replicas=replicas, route_by=self.route_by, swap_werner=hardware.swap_werner
        )
