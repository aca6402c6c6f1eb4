"""Decoys: some colluders draw a filter's attention along another direction. Ours."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np

from ceas_ray.attacks.attack import Attack, AttackContext, Floats, Knowledge, Strength, bounded
from ceas_ray.attacks.directions import scattered, unit
from ceas_ray.kernel.ranges import Range


@dataclass(frozen=True)
class Decoys(Attack):
    """A share of the colluders stand out to both sides along a direction drawn anew, which costs the gradient nothing;
    the others move their honest rows by -strength times the known mean.

    The direction is at right angles to the mean. Decoys lie `distance` mean deviations of the known rows from it, half
    of them on each side: a filter that looks for the most variable direction spends what it may remove on them.
    """

    strength: Strength
    share: Annotated[float, Range(0, 1)]
    distance: Annotated[float, Range(0, 1e6)]
    knowledge: Knowledge

    def __call__(self, seen: AttackContext, generator: np.random.Generator) -> Floats:
        """See `Attack`."""
        mean = np.mean(seen.known, axis=0)
        along, drawn = unit(mean), generator.standard_normal(len(mean))
        aside = unit(drawn - (drawn @ along) * along)
        rows = seen.own - self.strength * mean
        count = round(self.share * len(rows))
        reach = self.distance * float(np.mean(np.linalg.norm(scattered(seen.known), axis=1)))
        sides = np.where(np.arange(count) % 2, 1.0, -1.0)
        rows[:count] = mean + reach * sides[:, None] * aside
        return bounded(rows)
