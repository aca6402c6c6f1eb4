"""The parameters of a link."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ceas_ray.kernel.time import PICOSECONDS_PER_SECOND, picoseconds
from ceas_ray.network.memories import Decay, Depolarizing, Memory, age_of_fidelity, coherence_of_each, pair_decay
from ceas_ray.quantum import pair_physics

FIBRE_SPEED_KM_PER_SECOND = 2e5
_MIN_SUCCESS = 1e-12
"""Waiting times are drawn with log(1 - p): a smaller p would be rounded."""


class Emission(Protocol):
    """The protocol of emission schemes: how a heralded attempt leaves a pair."""

    @property
    def lossy_share(self) -> float:
        """Share of the link's length whose loss counts in `detection`."""
        ...

    def emit(
        self, detection: NDArray[np.float64], fidelity: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return Bell-diagonal weights at emission (links, 4) and success probability of a mode and attempt
        (links,).
        """
        ...


@dataclass(frozen=True, kw_only=True)
class LinkHardware:
    """A hardware profile. Detection probability = `success_at_1_km` times the fibre's loss beyond 1 km.

    An attempt takes attempt_base + attempt_per_km * length (microseconds) and has `modes` independent modes.
    coherence_seconds: of each of the two memories (depolarizing), unless `memories` says otherwise (the hub's, the
    node's). swap_werner: what a Bell measurement multiplies w by; swap_success: how often it works. emission: None for
    Werner pairs without dark counts. attempt_dephasing: probability that an attempt erases a stored pair's phase.
    """

    attempt_base_microseconds: float
    attempt_microseconds_per_km: float
    modes: int
    success_at_1_km: float
    loss_db_per_km: float
    coherence_seconds: float
    swap_werner: float
    memories: tuple[Memory, Memory] | None = None
    emission: Emission | None = None
    attempt_dephasing: float = 0.0
    swap_success: float = 1.0

    def link(self, length_km: float, fidelity: float, at_hub: bool = True) -> LinkParameters:
        """Return a link of this hardware, with one end at the hub or none; see `links`."""
        return self.links([length_km], [fidelity], at_hub)[0]

    def links(
        self, lengths_km: Sequence[float], fidelities: Sequence[float], at_hub: bool = True
    ) -> list[LinkParameters]:
        """Return links of these lengths, each with one end at the hub, or none of them.

        fidelities: at emission, but for what the emission scheme and dark counts cost. Raises ValueError for a link on
        which no attempt ever succeeds.
        """
        lossy = 1.0 if self.emission is None else self.emission.lossy_share
        decades = [min(-self.loss_db_per_km * (lossy * (length - 1)) / 10, 300.0) for length in lengths_km]
        successes = [min(self.success_at_1_km * 10**of_link, 1.0) for of_link in decades]
        weights: list[tuple[float, ...] | None] = [None] * len(successes)
        if self.emission is not None:
            emitted, heralded = self.emission.emit(np.array(successes), np.array(fidelities))
            weights = [tuple(of_link) for of_link in emitted.tolist()]
            successes, fidelities = heralded.tolist(), emitted[:, 0].tolist()
        memories, coherence = self.memories, self.coherence_seconds
        if memories is not None:
            memories = memories if at_hub else (memories[1], memories[1])
            coherence = coherence_of_each(pair_decay(*memories))
        return [
            LinkParameters(
                length, self._attempt_period(length, success), self.modes, success, fidelity, coherence, of_link,
                memories, self.attempt_dephasing, self.swap_success,
            )
            for length, success, fidelity, of_link in zip(lengths_km, successes, fidelities, weights, strict=True)
        ]  # fmt: skip

    def _attempt_period(self, length_km: float, success: float) -> int:
        """Return the time of an attempt, ps; raises ValueError if it never succeeds, or takes no time."""
        if not success >= _MIN_SUCCESS:
            raise ValueError(
                f"an attempt on {length_km:.3g} km must succeed at least once in 1e12, got p = {success:.3g}"
            )
        attempt = self.attempt_base_microseconds + self.attempt_microseconds_per_km * length_km
        period = picoseconds(attempt * 1e-6)
        if period < 1:
            raise ValueError(f"an attempt on {length_km:.3g} km must take at least 1 ps, got {attempt:.3g} us")
        return period


@dataclass(frozen=True)
class LinkParameters:
    """One link (or one multiplexed channel of it): times in picoseconds, coherence of each memory in seconds.

    fidelity, weights: at emission, dark counts included; without weights they are Werner pairs. memories: of its two
    ends (the hub's first); without them both depolarize with coherence_seconds, which else only stands in for them.
    purification_rounds: of this link's pairs; None: as the swapping of its routes says.
    """

    length_km: float
    attempt_period: int
    modes: int
    success_probability: float
    fidelity: float
    coherence_seconds: float
    weights: tuple[float, ...] | None = None
    memories: tuple[Memory, Memory] | None = None
    attempt_dephasing: float = 0.0
    swap_success: float = 1.0
    purification_rounds: int | None = None

    def birth_weights(self) -> NDArray[np.float64]:
        """Return Bell-diagonal weights at emission (4,), in the order (Phi+, Psi-, Psi+, Phi-)."""
        if self.weights is not None:
            return np.array(self.weights)
        return np.array(pair_physics.werner_weights(self.fidelity))

    @property
    def decay(self) -> Decay:
        """Decay of a pair in its two memories."""
        return pair_decay(*(self.memories or (Depolarizing(self.coherence_seconds),) * 2))

    def reversed(self) -> LinkParameters:
        """Return the same link from its other end."""
        return self if self.memories is None else replace(self, memories=self.memories[::-1])

    def age_at_fidelity(self, min_fidelity: float) -> float:
        """Return the age in seconds at which a pair's fidelity has fallen to `min_fidelity`; infinite if it never does.

        In closed form for depolarizing memories, else by bisection. Raises ValueError unless 0.25 < min_fidelity <=
        fidelity.
        """
        return age_of_fidelity(self.birth_weights(), self.decay, min_fidelity)

    @property
    def latency(self) -> int:
        """L / c in fibre, ps, at least 1."""
        return max(1, picoseconds(self.length_km / FIBRE_SPEED_KM_PER_SECOND))

    @property
    def rate(self) -> float:
        """Pairs per second while it generates."""
        return self.modes * self.success_probability / (self.attempt_period / PICOSECONDS_PER_SECOND)


@dataclass(frozen=True, kw_only=True)
class Heterogeneity:
    """Lengths are drawn log-uniformly, fidelities uniformly (in the triangle about the mean); replicas sit close by."""

    min_km: float
    max_km: float
    min_fidelity: float
    mean_fidelity: float
    max_fidelity: float
    replica_km: float
    replica_fidelity: float

    def length(self, generator: np.random.Generator) -> float:
        """Draw one length in km."""
        return float(np.exp(generator.uniform(np.log(self.min_km), np.log(self.max_km))))

    def fidelity(self, generator: np.random.Generator) -> float:
        """Draw one fidelity at emission."""
        if self.min_fidelity == self.max_fidelity:
            return self.mean_fidelity
        return float(generator.triangular(self.min_fidelity, self.mean_fidelity, self.max_fidelity))


@dataclass(frozen=True)
class LinkDraws:
    """Draws the links of a network, of this hardware: what a topology leaves open is drawn as `spread` says."""

    hardware: LinkHardware
    spread: Heterogeneity
    generator: np.random.Generator

    @property
    def swap_werner(self) -> float:
        """Werner parameter by which a swap multiplies those of its pairs."""
        return self.hardware.swap_werner

    def links(
        self, lengths_km: Sequence[float | None], fidelities: Sequence[float | None], at_hub: bool = True
    ) -> list[LinkParameters]:
        """Return a link for each length and fidelity at emission, of which None is drawn, link after link.

        at_hub: whether each has one end at the hub; else none has. Raises ValueError for a link on which no attempt
        ever succeeds.
        """
        drawn = [self._drawn(length, fidelity) for length, fidelity in zip(lengths_km, fidelities, strict=True)]
        return self.hardware.links([length for length, _ in drawn], [fidelity for _, fidelity in drawn], at_hub)

    def _drawn(self, length: float | None, fidelity: float | None) -> tuple[float, float]:
        return (
            self.spread.length(self.generator) if length is None else float(length),
            self.spread.fidelity(self.generator) if fidelity is None else fidelity,
        )
