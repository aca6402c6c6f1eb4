"""The default network."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ceas_ray.network.link_parameters import Heterogeneity, LinkHardware
from ceas_ray.network.network_plan import NetworkPlan
from ceas_ray.network.route import Route, Swapping


@dataclass(frozen=True)
class Star:
    """Every processor and every replica has one link, to the hub; pairs between them are swapped there."""

    def build(
        self,
        processors: int,
        replicas: int,
        *,
        hardware: LinkHardware,
        spread: Heterogeneity,
        generator: np.random.Generator,
    ) -> NetworkPlan:
        """Draw the links."""
        drawn = [(spread.length(generator), spread.fidelity(generator)) for _ in range(processors)]
        links = hardware.links([length for length, _ in drawn], [fidelity for _, fidelity in drawn])
        legs = hardware.links([spread.replica_km] * replicas, [spread.replica_fidelity] * replicas)
        names = [f"processor/{k}" for k in range(processors)] + [f"replica/{j}" for j in range(replicas)]
        routes = tuple(
            Route((link,), (number,), ("hub", name), Swapping(hardware.swap_werner))
            for number, (link, name) in enumerate(zip((*links, *legs), names, strict=True))
        )
        ends = tuple(("hub", name) for name in names)
        return NetworkPlan(routes[:processors], routes[processors:], {}, swapped=True, ends=ends)
