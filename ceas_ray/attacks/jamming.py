"""Jamming of honest links."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np

from ceas_ray.attacks.attack import Attack, Floats, Knowledge, Seen, Strength
from ceas_ray.kernel.ranges import Range, check_ranges


@dataclass(frozen=True)
class Jamming(Attack):
    """The colluders spoil a share of all attempts on the best honest links, as many as they are, and send -strength
    times the known mean. Plans do not know of the jamming."""

    strength: Strength
    jammed_share: Annotated[float, Range(0, 0.999)]
    knowledge: Knowledge

    def __post_init__(self) -> None:
        check_ranges(self)

    def __call__(self, seen: Seen, generator: np.random.Generator) -> Floats:
        """See `Attack`."""
        return seen.all_send(-self.strength * np.mean(seen.known, axis=0))

    def share_jammed(self) -> float:
        """See `Attack`."""
        return self.jammed_share
