"""Truthful announcements."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ceas_ray.attacks.announcements import Announcements


@dataclass(frozen=True)
class Truthful:
    """Colluders announce what they measured: they lie in their rows alone."""

    def announce(self, tests: Announcements, revealed: bool, generator: np.random.Generator) -> Announcements:
        """See `Announcer`."""
        return tests
