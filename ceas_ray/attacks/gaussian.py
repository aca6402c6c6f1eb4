"""Gaussian noise."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ceas_ray.attacks.attack import Attack, AttackContext, Floats, Knowledge, Strength, bounded


@dataclass(frozen=True)
class Gaussian(Attack):
    """Each colluder sends noise of its own: normal, mean 0, deviation `strength` times the root mean square of the
    entries of the rows that they know."""

    strength: Strength
    knowledge: Knowledge

    def __call__(self, seen: AttackContext, generator: np.random.Generator) -> Floats:
        """See `Attack`."""
        deviation = self.strength * float(np.sqrt(np.mean(seen.known**2)))
        return bounded(deviation * generator.standard_normal(seen.own.shape))
