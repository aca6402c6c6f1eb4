"""Networks of named shapes: a shape says which nodes are linked; who sits where is the same for all."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from ceas_ray.kernel.ranges import check_ranges
from ceas_ray.network.link_parameters import LinkDraws
from ceas_ray.network.network_plan import NetworkPlan
from ceas_ray.network.routing import Graph, LinkFidelity, RouteBy, drawn, node_names, settled
from ceas_ray.network.several_paths import Paths


@dataclass(frozen=True)
class Layout:
    """Nodes, the pairs of them that are linked (links, 2), and how long each link is, km (links,); None: drawn."""

    nodes: int
    pairs: Sequence[tuple[int, int]] | NDArray[np.int64]
    lengths_km: Sequence[float | None] | NDArray[np.float64]


class LayoutTopology(ABC):
    """A network of a shape.

    link_fidelity: of every link; None: drawn as the links' settings say. route_by: fidelity or rate. paths: candidate
    ways to every node, over which routes are spread, or in_parallel the shots of every processor. remedy: what to
    change in the settings where a node cannot be reached.
    """

    link_fidelity: LinkFidelity | None
    route_by: RouteBy
    paths: Paths
    in_parallel: bool
    remedy: ClassVar[str] = "it always is"

    def __post_init__(self) -> None:
        """Raise ValueError for values out of range."""
        check_ranges(self)

    @abstractmethod
    def layout(self, generator: np.random.Generator) -> Layout:
        """Return the nodes and links, drawn where the shape is random."""

    def build(self, processors: int, replicas: int, draws: LinkDraws) -> NetworkPlan:
        """Draw the links; the hub at the center, replicas and then processors from the nearest node on.

        Raises ValueError if some node cannot be reached: nothing is drawn again in silence.
        """
        layout = self.layout(draws.generator)
        links = drawn(layout.pairs, lengths_km=layout.lengths_km, link_fidelity=self.link_fidelity, draws=draws)
        return settled(
            Graph(node_names(layout.nodes), links, self.remedy),
            processors=processors,
            replicas=replicas,
            route_by=self.route_by,
            swap_werner=draws.swap_werner,
            paths=self.paths,
            in_parallel=self.in_parallel,
        )
