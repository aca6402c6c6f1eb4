"""Free rider."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ceas_ray.attacks.attack import Attack, AttackContext, Floats, Knowledge, Strength, bounded


@dataclass(frozen=True)
class FreeRider(Attack):
    """Each colluder sends nothing that it learned: zeros, under normal noise whose deviation is `strength`
    times that of its own honest row's entries."""

    strength: Strength
    knowledge: Knowledge

    def __call__(self, seen: AttackContext, generator: np.random.Generator) -> Floats:
        """See `Attack`."""
        deviations = self.strength * np.std(seen.own, axis=1, keepdims=True)
        return bounded(deviations * generator.standard_normal(seen.own.shape))
