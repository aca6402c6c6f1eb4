"""Slow drift: steps that no round shows, always the same way. Ours, after Karimireddy et al. (arXiv 2012.10333)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np

from ceas_ray.attacks.attack import Attack, AttackContext, Floats, Knowledge, Strength, bounded
from ceas_ray.attacks.directions import unit
from ceas_ray.kernel.ranges import Range


@dataclass(frozen=True)
class SlowDrift(Attack):
    """Each colluder moves its own honest row against the mean of all rounds up to now, by `strength` deviations.

    Within a round the step is honest noise: `strength` times the deviation of the known rows along it. But honest noise
    averages out over rounds, and what momentum collects of this step does not. The mean forgets with the factor
    `momentum` per round, and the step grows with what it remembers, from 1 - momentum of its size in the first round
    on, so that the drift begins slowly.
    """

    strength: Strength
    momentum: Annotated[float, Range(0, 0.999)]
    knowledge: Knowledge

    def __call__(self, seen: AttackContext, generator: np.random.Generator) -> Floats:
        """See `Attack`."""
        remembered = self.remembered(seen)
        against = -unit(remembered[:-1])
        deviation = float(np.std(seen.known @ against))
        return bounded(seen.own + self.strength * remembered[-1] * deviation * against)

    def remembered(self, seen: AttackContext) -> Floats:
        """See `Attack`: the mean of the known rows over rounds, with the total of its weights last, (d + 1,)."""
        this_round = np.append(np.mean(seen.known, axis=0), 1.0)
        before = seen.memory if len(seen.memory) else np.zeros_like(this_round)
        return self.momentum * before + (1 - self.momentum) * this_round
