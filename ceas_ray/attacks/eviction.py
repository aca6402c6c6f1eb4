"""Eviction: copies of the best honest rows, that these be thrown out with them. Ours."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ceas_ray.attacks.attack import Attack, AttackContext, Floats, Knowledge, Strength, bounded
from ceas_ray.attacks.directions import farthest_along


@dataclass(frozen=True)
class Eviction(Attack):
    """Each colluder sends `strength` times one of the known rows that point farthest along their mean, each its own.

    A rule that removes rows which are too near to each other, or that have company where honest rows are rare, loses
    the rows that carry the most of the gradient. Where there are fewer known rows than colluders some are sent twice.
    """

    strength: Strength
    knowledge: Knowledge

    def __call__(self, seen: AttackContext, generator: np.random.Generator) -> Floats:
        """See `Attack`."""
        best = farthest_along(seen.known, np.mean(seen.known, axis=0), len(seen.own))
        return bounded(self.strength * best[np.arange(len(seen.own)) % len(best)])
