"""Sign flip."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ceas_ray.attacks.attack import Floats, Knowledge, bounded


@dataclass(frozen=True)
class SignFlip:
    """Each colluder sends -strength times its own honest row."""

    strength: float
    knowledge: Knowledge

    def __call__(self, own: Floats, honest: Floats, population: int, generator: np.random.Generator) -> Floats:
        """See `Attack`."""
        return bounded(-self.strength * own)
