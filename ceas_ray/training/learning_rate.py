"""Learning-rate schedules."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class LearningRate:
    """The step length of each of `rounds` rounds, in rad^2: constant, or a half cosine from `initial` to `final`."""

    initial: float
    final: float
    schedule: Literal["constant", "cosine"]
    rounds: int

    def __call__(self, round_index: int) -> float:
        """Return the learning rate of round `round_index`, counted from 0."""
        if self.schedule == "constant":
            return self.initial
        progress = min(1.0, round_index / max(1, self.rounds - 1))
        return self.final + (self.initial - self.final) * 0.5 * (1 + math.cos(math.pi * progress))
