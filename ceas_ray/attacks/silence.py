"""Silence."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ceas_ray.attacks.attack import Attack, Floats, Knowledge, Seen, Timing


@dataclass(frozen=True)
class Silence(Attack):
    """The colluders send nothing: every round waits for them until its inputs time out."""

    knowledge: Knowledge

    def __call__(self, seen: Seen, generator: np.random.Generator) -> Floats:
        """See `Attack`; these rows never leave."""
        return seen.own

    def when_sent(self) -> Timing:
        """See `Attack`."""
        return "never"
