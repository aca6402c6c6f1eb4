"""The default network."""

from __future__ import annotations

from dataclasses import dataclass

from ceas_ray.network.link_parameters import LinkDraws
from ceas_ray.network.network_plan import NetworkPlan
from ceas_ray.network.route import Route, Swapping


@dataclass(frozen=True)
class Star:
    """Every processor and every replica has one link, to the hub; pairs between them are swapped there."""

    def build(self, processors: int, replicas: int, draws: LinkDraws) -> NetworkPlan:
        """Draw the links."""
        links = draws.links([None] * processors, [None] * processors)
        legs = draws.links([draws.spread.replica_km] * replicas, [draws.spread.replica_fidelity] * replicas)
        names = [f"processor/{k}" for k in range(processors)] + [f"replica/{j}" for j in range(replicas)]
        routes = tuple(
            Route((link,), (number,), ("hub", name), Swapping(draws.swap_werner))
            for number, (link, name) in enumerate(zip((*links, *legs), names, strict=True))
        )
        ends = tuple(("hub", name) for name in names)
        return NetworkPlan(routes[:processors], routes[processors:], {}, swapped=True, ends=ends)
