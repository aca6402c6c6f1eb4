"""Jamming of honest links."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ceas_ray.attacks.attack import Attack, Floats, Knowledge, Seen


@dataclass(frozen=True)
class Jamming(Attack):
    """The colluders spoil a share of all attempts on the best honest links, as many as they are, and send -strength
    times the known mean. Plans do not know of the jamming."""

    strength: float
    jammed_share: float
    knowledge: Knowledge

    def __post_init__(self) -> None:
        if not 0 <= self.jammed_share < 1:
            raise ValueError(f"jammed_share must lie in [0, 1), got {self.jammed_share}")

    def __call__(self, seen: Seen, generator: np.random.Generator) -> Floats:
        """See `Attack`."""
        return seen.all_send(-self.strength * np.mean(seen.known, axis=0))

    def share_jammed(self) -> float:
        """See `Attack`."""
        return self.jammed_share
