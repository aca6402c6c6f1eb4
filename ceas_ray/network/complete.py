"""Everybody linked to everybody."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ceas_ray.network.link_parameters import Heterogeneity, LinkHardware
from ceas_ray.network.network_plan import NetworkPlan
from ceas_ray.network.star import Star


@dataclass(frozen=True)
class Complete:
    """The star, with a direct link between each processor or replica and each replica: keys need no swap."""

    def build(
        self,
        processors: int,
        replicas: int,
        *,
        hardware: LinkHardware,
        spread: Heterogeneity,
        generator: np.random.Generator,
    ) -> NetworkPlan:
        """Draw the links: those of the star first, so that both networks have the same ones."""
        star = Star().build(processors, replicas, hardware=hardware, spread=spread, generator=generator)
        names = [f"processor/{k}" for k in range(processors)] + [f"replica/{j}" for j in range(replicas)]
        pairs = [
            (name, f"replica/{j}")
            for place, name in enumerate(names)
            for j in range(replicas)
            if place < processors + j
        ]
        drawn = [(spread.length(generator), spread.fidelity(generator)) for _ in pairs]
        links = hardware.links([length for length, _ in drawn], [fidelity for _, fidelity in drawn], at_hub=False)
        direct = dict(zip(pairs, links, strict=True))
        return replace(star, direct_links=direct, swapped=False)
