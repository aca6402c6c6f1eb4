"""A rectangular lattice of nodes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np

from ceas_ray.kernel.ranges import Range
from ceas_ray.network.routing import MAX_NODES, LinkFidelity, LinkKilometres, RouteBy
from ceas_ray.network.several_paths import Paths
from ceas_ray.network.topology import Layout, LayoutTopology


@dataclass(frozen=True)
class Grid(LayoutTopology):
    """Each node linked to its neighbours in its row and column.

    rows, columns: together at least 2 nodes, the hub's included. link_km, link_fidelity: of every link; None: drawn as
    the links' settings say. route_by: fidelity or rate. paths, in_parallel: see `routed`.
    """

    rows: Annotated[int, Range(1, MAX_NODES)]
    columns: Annotated[int, Range(1, MAX_NODES)]
    link_km: LinkKilometres | None
    link_fidelity: LinkFidelity | None
    route_by: RouteBy
    paths: Paths = 1
    in_parallel: bool = False

    def __post_init__(self) -> None:
        """Raise ValueError for values out of range."""
        super().__post_init__()
        if not 2 <= self.rows * self.columns <= MAX_NODES:
            raise ValueError(f"rows * columns must be a number in [2, {MAX_NODES}], got {self.rows * self.columns}")

    def layout(self, generator: np.random.Generator) -> Layout:
        """See `LayoutTopology`."""
        nodes = range(self.rows * self.columns)
        across = [(i, i + 1) for i in nodes if (i + 1) % self.columns]
        down = [(i, i + self.columns) for i in nodes if i + self.columns < len(nodes)]
        pairs = across + down
        return Layout(len(nodes), pairs, [self.link_km] * len(pairs))
