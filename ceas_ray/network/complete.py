"""Everybody linked to everybody."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ceas_ray.network.link_parameters import LinkDraws
from ceas_ray.network.network_plan import NetworkPlan
from ceas_ray.network.star import Star


@dataclass(frozen=True)
class Complete:
    """The star, with a direct link between each processor or replica and each replica: keys need no swap."""

    def build(self, processors: int, replicas: int, draws: LinkDraws) -> NetworkPlan:
        """Draw the links: those of the star first, so that both networks have the same ones."""
        star = Star().build(processors, replicas, draws)
        names = [f"processor/{k}" for k in range(processors)] + [f"replica/{j}" for j in range(replicas)]
        pairs = [
            (name, f"replica/{j}")
            for place, name in enumerate(names)
            for j in range(replicas)
            if place < processors + j
        ]
        links = draws.links([None] * len(pairs), [None] * len(pairs), at_hub=False)
        direct = dict(zip(pairs, links, strict=True))
        return replace(star, direct_links=direct, swapped=False)
