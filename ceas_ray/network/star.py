"""The default network."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ceas_ray.network.link_parameters import Heterogeneity, LinkHardware, NetworkPlan


@dataclass(frozen=True)
class Star:
    """Every processor and every replica has one link, to the hub; pairs between them are swapped there."""

    def build(
        self,
        processors: int,
        replicas: int,
        hardware: LinkHardware,
        spread: Heterogeneity,
        generator: np.random.Generator,
    ) -> NetworkPlan:
        """Draw the links."""
        links = tuple(hardware.link(spread.length(generator), spread.fidelity(generator)) for _ in range(processors))
        legs = tuple(hardware.link(spread.replica_km, spread.replica_fidelity) for _ in range(replicas))
        return NetworkPlan(links, legs, {}, swapped=True)
