"""Shrinkage: rows that look more precise than honest ones. Ours."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np

from ceas_ray.attacks.attack import Attack, AttackContext, Floats, Knowledge, Strength, bounded
from ceas_ray.attacks.directions import scattered
from ceas_ray.kernel.ranges import Range


@dataclass(frozen=True)
class Shrinkage(Attack):
    """All colluders send (1 - strength) times the known mean, each with a part `noise` of its own honest deviation.

    With strength between 0 and 1 the gradient shrinks, beyond 1 it turns; with little noise the rows lie nearer to each
    other, and to the centre, than honest ones do, so rules that trust what is near or dense trust them first.
    """

    strength: Strength
    noise: Annotated[float, Range(0, 10)]
    knowledge: Knowledge

    def __call__(self, seen: AttackContext, generator: np.random.Generator) -> Floats:
        """See `Attack`."""
        mean = np.mean(seen.known, axis=0)
        return bounded((1 - self.strength) * mean + self.noise * scattered(seen.own))
