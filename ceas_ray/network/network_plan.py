"""Who is reached how."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ceas_ray.network.link_parameters import LinkParameters
from ceas_ray.network.route import Route, Swapping


@dataclass(frozen=True)
class NetworkPlan:
    """The hub's routes to every processor and replica, and direct links between nodes if there are any.

    swapped: whether keys between two nodes come from pairs swapped at the hub; otherwise from their own direct link.
    ends: the two nodes of every physical link, by its number; routes name the links that they share by these numbers.
    """

    processor_routes: tuple[Route, ...]
    replica_routes: tuple[Route, ...]
    direct_links: dict[tuple[str, str], LinkParameters]
    swapped: bool
    ends: tuple[tuple[str, str], ...]

    @property
    def processor_links(self) -> tuple[LinkParameters, ...]:
        """The link at the hub's end of every processor's route: in a star the processor's own."""
        return tuple(route.legs[0] for route in self.processor_routes)

    @property
    def replica_links(self) -> tuple[LinkParameters, ...]:
        """The link at the hub's end of every replica's route."""
        return tuple(route.legs[0] for route in self.replica_routes)

    @property
    def routes(self) -> tuple[Route, ...]:
        """Of processors, then of replicas."""
        return (*self.processor_routes, *self.replica_routes)

    @property
    def routed(self) -> bool:
        """Whether more is needed than one link of one's own per node and one swap at the hub that cannot fail."""
        swapping = self.processor_routes[0].swapping
        links = [link for route in self.routes for link in route.links]
        shared_or_longer = len(set(links)) < len(links) or len(links) > len(self.routes)
        return shared_or_longer or swapping.success < 1 or swapping.purification_rounds > 0

    def swapping_by(self, swapping: Swapping) -> NetworkPlan:
        """The same network with other swaps."""
        processors = tuple(replace(route, swapping=swapping) for route in self.processor_routes)
        return replace(
            self,
            processor_routes=processors,
            replica_routes=tuple(replace(route, swapping=swapping) for route in self.replica_routes),
        )
