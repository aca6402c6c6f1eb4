"""Inner-product manipulation (arXiv 1903.03936)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ceas_ray.attacks.attack import Attack, AttackContext, Floats, Knowledge, Strength


@dataclass(frozen=True)
class InnerProductManipulation(Attack):
    """All colluders send -strength times the mean of the honest rows that they know."""

    strength: Strength
    knowledge: Knowledge

    def __call__(self, seen: AttackContext, generator: np.random.Generator) -> Floats:
        """See `Attack`."""
        return seen.all_send(-self.strength * np.mean(seen.known, axis=0))
