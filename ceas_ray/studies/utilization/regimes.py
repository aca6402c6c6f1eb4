"""The regimes of the studies: R0 to R4, R0 with other coherence times and rates, and the rotations T1, T2 and T4."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ceas_ray.network.link_parameters import LinkParameters
from ceas_ray.quantum.bell_pairs import cutoff_age
from ceas_ray.scheduling.perishable_chain import LinkClass

PAIRS, BURST = 6, 8
ATTEMPTS_PER_PERIOD, MODES = 50, 16
PERIOD = 10**9  # ps: a shot period of 1 ms, as on a link of 1 km
FIDELITY, MIN_FIDELITY, COHERENCE_SECONDS, LATENCY_KM = 0.97, 0.90, 0.06, 1.0


@dataclass(frozen=True)
class Regime:
    """A demand on a link, or on `links` of them that share `channels`, with supplies spread evenly to `max_supply`.

    pairs: of a shot. burst: of how many shots. coherence_seconds: of each memory.
    """

    name: str
    supply: float
    useful_age: float
    slots: int
    gap: float
    periodic: bool
    links: int = 1
    channels: int = 1
    max_supply: float = 0.0
    pairs: int = PAIRS
    burst: int = BURST
    coherence_seconds: float = COHERENCE_SECONDS

    def supplies(self) -> list[float]:
        """Return the supply of every link."""
        return [self.supply] if self.links == 1 else list(np.linspace(self.supply, self.max_supply, self.links))

    def link(self, supply: float) -> LinkParameters:
        """Return a link that makes `supply` times the pairs that a burst asks for."""
        success = supply * self.pairs / (ATTEMPTS_PER_PERIOD * MODES)
        return LinkParameters(
            LATENCY_KM, PERIOD // ATTEMPTS_PER_PERIOD, MODES, success, FIDELITY, self.coherence_seconds
        )  # fmt: skip

    def link_class(self, supply: float) -> LinkClass:
        """Return the link as schedulers see it."""
        link = self.link(supply)
        trials = ATTEMPTS_PER_PERIOD * MODES
        first = trials if self.links > 1 else (PERIOD - link.latency) // link.attempt_period * MODES
        return LinkClass(
            self.slots, self.pairs, self.burst, self.gap, self.periodic, int(self.useful_age), trials,
            link.success_probability, first, MODES, 2 * PERIOD * 1e-12 / self.coherence_seconds,
        )  # fmt: skip

    def relaxed_class(self, supply: float) -> LinkClass:
        """Return the link as bounds see it: with ages rounded up."""
        return replace(self.link_class(supply), classes=int(np.ceil(self.useful_age)))


REGIMES = (
    Regime("R0", 1.6, 3.0, 24, 8.0, False),
    Regime("R1", 1.6, 4.0, 24, 8.0, False),
    Regime("R2", 1.5, 2.0, 12, 60.0, True),
    Regime("R3", 1.2, 2.0, 24, 60.0, True),
    Regime("R4", 1.2, 3.0, 24, 8.0, False, links=50, channels=32, max_supply=2.4),
)
ROTATIONS = (
    Regime("T1", 0.25, 8.0, 24, 24.0, True, pairs=4, burst=1),
    Regime("T2", 0.25, 8.0, 24, 24.0, True, pairs=4, burst=2),
    Regime("T4", 0.4, 6.0, 24, 24.0, True, pairs=4, burst=4),
)
"""Known rotations in which pairs are scarce."""
COHERENCE_TIMES = (40e-3, 60e-3, 80e-3)
SUPPLIES = (1.2, 1.6, 2.4)


def useful_age(coherence_seconds: float) -> float:
    """Return how long a pair stays above `MIN_FIDELITY` in two memories of this coherence time, in shot periods."""
    return float(cutoff_age(FIDELITY, MIN_FIDELITY, coherence_seconds / 2) / (PERIOD * 1e-12))


def grid() -> list[Regime]:
    """Return R0 with other coherence times (of each memory) and rates."""
    return [
        Regime(f"T={t * 1e3:.0f}ms x{supply}", supply, useful_age(t), 24, 8.0, False)
        for t in COHERENCE_TIMES
        for supply in SUPPLIES
    ]
