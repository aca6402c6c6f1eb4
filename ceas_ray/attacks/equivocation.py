"""Equivocation: different rows for different replicas."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ceas_ray.attacks.attack import Attack, AttackContext, Floats, Knowledge, Strength


@dataclass(frozen=True)
class Equivocation(Attack):
    """Each colluder tells every other replica its honest row, and the rest -strength times the known mean."""

    strength: Strength
    knowledge: Knowledge

    def __call__(self, seen: AttackContext, generator: np.random.Generator) -> Floats:
        """See `Attack`: two versions, (f, 2, d)."""
        return np.stack([seen.own, seen.all_send(-self.strength * np.mean(seen.known, axis=0))], axis=1)
