"""Sign flip."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ceas_ray.attacks.attack import Attack, AttackContext, Floats, Knowledge, Strength, bounded


@dataclass(frozen=True)
class SignFlip(Attack):
    """Each colluder sends -strength times its own honest row."""

    strength: Strength
    knowledge: Knowledge

    def __call__(self, seen: AttackContext, generator: np.random.Generator) -> Floats:
        """See `Attack`."""
        return bounded(-self.strength * seen.own)
