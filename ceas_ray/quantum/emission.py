"""Emission schemes: how a heralded attempt of a link's hardware leaves a pair (small, frozen policies)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from numpy.typing import ArrayLike

from ceas_ray.quantum.bell_checks import probabilities, scalar_if_0d
from ceas_ray.quantum.bell_states import swapped_state, werner_state
from ceas_ray.quantum.heralding import heralded_probability, heralded_state, mixed_by_dark_counts, single_click_parts


@dataclass(frozen=True)
class Heralded:
    """A pair of the fidelity that the profile gives, heralded by photons that both had to arrive (two clicks).

    dark_count: probability per mode and attempt of a herald without both photons, the profile's at all lengths; it
    leaves a maximally mixed pair (see `heralded_fidelity`). Most such heralds are one photon and one dark count, about
    4 eta p_d for detectors with p_d each and photons that arrive with eta: rarer on longer links than counted here.
    """

    dark_count: float
    lossy_share = 1.0
    """Share of the link's length whose loss counts: each photon crosses half of it, and both must."""

    def __post_init__(self) -> None:
        probabilities("dark count probability", self.dark_count)

    def emit(self, detection: ArrayLike, fidelity: ArrayLike) -> tuple[Any, Any]:
        """Return the weights at emission (..., 4) and success probability. detection: that both photons are
        detected.
        """
        weights = heralded_state(werner_state(fidelity), detection, self.dark_count)
        return weights, heralded_probability(detection, self.dark_count)


@dataclass(frozen=True)
class SingleClick:
    """One photon from either emitter heralds: a fast scheme, whose bright-state population alpha costs fidelity.

    bright_population: alpha of both emitters, in (0, 1/2]. dark_count: probability per mode and attempt that either
    detector has a dark count; alone it heralds a pair that is nearly |00>, beside a photon it spoils the herald.
    Detectors resolve numbers.
    """

    bright_population: float
    dark_count: float
    lossy_share = 0.5
    """One photon crosses half of the link."""

    def __post_init__(self) -> None:
        probabilities("dark count probability", self.dark_count)
        if not 0 < self.bright_population <= 0.5:
            raise ValueError(f"bright population must lie in (0, 0.5], got {self.bright_population!r}")

    def emit(self, detection: ArrayLike, fidelity: ArrayLike) -> tuple[Any, Any]:
        """Return the weights at emission (..., 4) and success probability. detection: that an emitted photon is
        detected.

        fidelity: of everything but alpha and dark counts (phase drift, distinguishable photons), as a Werner error of
        the pairs that a photon heralds; it does not touch those that a dark count does, which have no phase.
        """
        (clicked, signal), dark = single_click_parts(self.bright_population, detection, self.dark_count)
        pairs = swapped_state(werner_state(fidelity), clicked)
        return mixed_by_dark_counts((pairs, signal), dark), scalar_if_0d(signal + dark[1])
