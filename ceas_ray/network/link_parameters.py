"""What one link can do."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ceas_ray.kernel.time import PICOSECONDS_PER_SECOND, picoseconds

FIBRE_SPEED_KM_PER_SECOND = 2e5


@dataclass(frozen=True)
class LinkHardware:
    """A hardware profile. Success probability p = `success_at_1_km` times the fibre's loss beyond 1 km.

    An attempt takes attempt_base + attempt_per_km * length (microseconds) and has `modes` independent modes.
    coherence_seconds: of each of the two memories (depolarizing). swap_werner: what a Bell measurement multiplies w by.
    """

    attempt_base_microseconds: float
    attempt_microseconds_per_km: float
    modes: int
    success_at_1_km: float
    loss_db_per_km: float
    coherence_seconds: float
    swap_werner: float

    def link(self, length_km: float, fidelity: float) -> LinkParameters:
        """A link of this hardware."""
        attempt = self.attempt_base_microseconds + self.attempt_microseconds_per_km * length_km
        success = self.success_at_1_km * 10 ** (-self.loss_db_per_km * (length_km - 1) / 10)
        return LinkParameters(
            length_km, picoseconds(attempt * 1e-6), self.modes, min(success, 1.0), fidelity, self.coherence_seconds
        )


@dataclass(frozen=True)
class LinkParameters:
    """One link (or one multiplexed channel of it): times in picoseconds, coherence of each memory in seconds."""

    length_km: float
    attempt_period: int
    modes: int
    success_probability: float
    fidelity: float
    coherence_seconds: float

    @property
    def latency(self) -> int:
        """L / c in fibre, ps, at least 1."""
        return max(1, picoseconds(self.length_km / FIBRE_SPEED_KM_PER_SECOND))

    @property
    def rate(self) -> float:
        """Pairs per second while it generates."""
        return self.modes * self.success_probability / (self.attempt_period / PICOSECONDS_PER_SECOND)

    def row(self) -> NDArray[np.float64]:
        """What the compiled loop of a swapped path needs of this leg, shape (5,)."""
        return np.array(
            [self.attempt_period, self.modes, self.success_probability, self.fidelity, self.coherence_seconds]
        )


@dataclass(frozen=True)
class Heterogeneity:
    """Lengths are drawn log-uniformly, fidelities uniformly (in the triangle about the mean); replicas sit close by."""

    least_km: float
    most_km: float
    least_fidelity: float
    mean_fidelity: float
    most_fidelity: float
    replica_km: float
    replica_fidelity: float

    def length(self, generator: np.random.Generator) -> float:
        """One length in km."""
        return float(np.exp(generator.uniform(np.log(self.least_km), np.log(self.most_km))))

    def fidelity(self, generator: np.random.Generator) -> float:
        """One fidelity at emission."""
        if self.least_fidelity == self.most_fidelity:
            return self.mean_fidelity
        return float(generator.triangular(self.least_fidelity, self.mean_fidelity, self.most_fidelity))
