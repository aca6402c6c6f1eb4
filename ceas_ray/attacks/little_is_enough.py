"""A little is enough (arXiv 1902.06156)."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from ceas_ray.attacks.attack import Attack, AttackContext, Floats, Knowledge, Strength


@dataclass(frozen=True)
class ALittleIsEnough(Attack):
    """All colluders send mean - strength * z * std of the rows that they know, coordinate by coordinate.

    z is the paper's: with s = floor(n / 2 + 1) - f honest rows to win over, Phi(z) = (n - f - s) / (n - f). The
    standard deviation is that of the rows themselves (divided by their number).
    """

    strength: Strength
    knowledge: Knowledge

    def __call__(self, seen: AttackContext, generator: np.random.Generator) -> Floats:
        """See `Attack`."""
        z = standard_score(seen.population, len(seen.own))
        return seen.all_send(np.mean(seen.known, axis=0) - self.strength * z * np.std(seen.known, axis=0))


def standard_score(population: int, faults: int) -> float:
    """Return z of the paper for f colluders among n, at least 0."""
    supporters = population // 2 + 1 - faults
    share = (population - faults - supporters) / (population - faults)
    return max(0.0, NormalDist().inv_cdf(min(max(share, 1e-6), 1 - 1e-6)))
