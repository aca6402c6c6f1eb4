"""Inner-product manipulation (arXiv 1903.03936)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ceas_ray.attacks.attack import Floats, Knowledge, bounded, known


@dataclass(frozen=True)
class InnerProductManipulation:
    """All colluders send -strength times the mean of the honest rows that they know."""

    strength: float
    knowledge: Knowledge

    def __call__(self, own: Floats, honest: Floats, population: int, generator: np.random.Generator) -> Floats:
        """See `Attack`."""
        row = -self.strength * np.mean(known(own, honest), axis=0)
        return bounded(np.tile(row, (len(own), 1)))
