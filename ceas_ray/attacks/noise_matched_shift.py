"""Noise-matched shift: honest rows, moved together by less than anybody can see. Ours."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ceas_ray.attacks.attack import Attack, AttackContext, Floats, Knowledge, Strength, bounded
from ceas_ray.attacks.directions import scattered, unit


@dataclass(frozen=True)
class NoiseMatchedShift(Attack):
    """Each colluder moves its own honest row against the known mean, all by the same step: so it keeps honest noise.

    The step is `strength` times the largest one that leaves no direction more variable than the known rows' most
    variable one is: with a the share of the colluders, v the variance of the known rows along their mean and l the top
    eigenvalue of their covariance, v + a (1 - a) step^2 = l. No filter of covariances sees anything up to strength 1.
    """

    strength: Strength
    knowledge: Knowledge

    def __call__(self, seen: AttackContext, generator: np.random.Generator) -> Floats:
        """See `Attack`."""
        against = -unit(np.mean(seen.known, axis=0))
        return bounded(seen.own + self.strength * unseen_step(seen, against) * against)


def unseen_step(seen: AttackContext, direction: Floats) -> float:
    """Return how far colluders may move along a unit vector (d,) before this direction becomes the most variable."""
    noise, share = scattered(seen.known), len(seen.own) / seen.population
    along = float(np.mean((noise @ direction) ** 2))
    top = float(np.linalg.norm(noise, 2)) ** 2 / len(noise)
    return float(np.sqrt(max(0.0, top - along) / max(share * (1 - share), 1e-12)))
