"""How a heralded attempt leaves a pair: the emission schemes of a link's hardware (policies, small and frozen)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ceas_ray.quantum.bell_checks import probabilities
from ceas_ray.quantum.bell_states import swapped_state, werner_state
from ceas_ray.quantum.heralding import heralded_probability, heralded_state, single_click, single_click_state


@dataclass(frozen=True)
class Heralded:
    """A pair of the fidelity that the profile gives, heralded by photons that both had to arrive (two clicks).

    dark_count: probability per mode and attempt of a herald without a signal; it leaves a maximally mixed pair.
    """

    dark_count: float
    lossy_share = 1.0
    """Share of the link's length whose loss counts: each photon crosses half of it, and both must."""

    def __post_init__(self) -> None:
        probabilities("dark count probability", self.dark_count)

    def emit(self, detection: float, fidelity: float) -> tuple[NDArray[np.float64], float]:
        """Weights at emission (4,) and success probability. detection: that both photons are detected."""
        weights = heralded_state(werner_state(fidelity), detection, self.dark_count)
        return weights, float(heralded_probability(detection, self.dark_count))


@dataclass(frozen=True)
class SingleClick:
    """One photon from either emitter heralds: a fast scheme, whose bright-state population alpha costs fidelity.

    bright_population: alpha of both emitters, in (0, 1/2]. dark_count: as for `Heralded`. Detectors resolve numbers.
    """

    bright_population: float
    dark_count: float
    lossy_share = 0.5
    """One photon crosses half of the link."""

    def __post_init__(self) -> None:
        probabilities("dark count probability", self.dark_count)
        if not 0 < self.bright_population <= 0.5:
            raise ValueError(f"bright population must lie in (0, 0.5], got {self.bright_population!r}")

    def emit(self, detection: float, fidelity: float) -> tuple[NDArray[np.float64], float]:
        """Weights at emission (4,) and success probability. detection: that an emitted photon is detected.

        fidelity: of everything but alpha and dark counts (phase drift, distinguishable photons), as a Werner error.
        """
        signal = float(single_click(self.bright_population, detection)[1])
        clicked = swapped_state(werner_state(fidelity), single_click_state(self.bright_population, detection))
        return heralded_state(clicked, signal, self.dark_count), float(heralded_probability(signal, self.dark_count))
