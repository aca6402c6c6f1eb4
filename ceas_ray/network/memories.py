"""Memories that hold the halves of a pair: how its correlations decay with its age, counted from emission.

Small frozen policies; a pair's two memories add up to one `Decay`, which is plain floats for compiled loops.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray


class Decay(NamedTuple):
    """How a pair in two memories decays, rates in 1/s. At age t (of both halves, from emission):

    <XX> exp(-rate_x t), <YY> exp(-rate_y t), <ZZ> exp(-rate_z t) + (1 - exp(-damping_first t)) (1 - exp(-damping_second
    t)). A damping is 1 / T1 of a memory that relaxes to its ground state, 0 otherwise. The pair is twirled to
    Bell-diagonal at its use: with damping, decay from emission at once, not step by step.
    """

    rate_x: float
    rate_y: float
    rate_z: float
    damping_first: float
    damping_second: float


class Memory(Protocol):
    """One memory's part in the decay of a pair, rates in 1/s."""

    @property
    def rates(self) -> tuple[float, float, float]:
        """At which <XX>, <YY>, <ZZ> shrink."""
        ...

    @property
    def damping(self) -> float:
        """At which it falls to its ground state."""
        ...


@dataclass(frozen=True)
class Depolarizing:
    """All correlations shrink alike, by exp(-t / T)."""

    coherence_seconds: float

    def __post_init__(self) -> None:
        _positive("coherence time", self.coherence_seconds)

    @property
    def rates(self) -> tuple[float, float, float]:
        """See `Memory`."""
        return (1 / self.coherence_seconds,) * 3

    @property
    def damping(self) -> float:
        """See `Memory`."""
        return 0.0


@dataclass(frozen=True)
class Dephasing:
    """Phases are lost by exp(-t / T2), populations stay."""

    t2_seconds: float

    def __post_init__(self) -> None:
        _positive("T2", self.t2_seconds)

    @property
    def rates(self) -> tuple[float, float, float]:
        """See `Memory`."""
        return (1 / self.t2_seconds, 1 / self.t2_seconds, 0.0)

    @property
    def damping(self) -> float:
        """See `Memory`."""
        return 0.0


@dataclass(frozen=True)
class Relaxing:
    """Amplitude damping and dephasing: T1, and T2 <= 2 T1."""

    t1_seconds: float
    t2_seconds: float

    def __post_init__(self) -> None:
        _positive("T1", self.t1_seconds)
        _positive("T2", self.t2_seconds)
        if self.t2_seconds > 2 * self.t1_seconds * (1 + 1e-12):
            raise ValueError(f"T2 must be at most 2 T1 ({2 * self.t1_seconds} s), got {self.t2_seconds} s")

    @property
    def rates(self) -> tuple[float, float, float]:
        """See `Memory`."""
        return (1 / self.t2_seconds, 1 / self.t2_seconds, 1 / self.t1_seconds)

    @property
    def damping(self) -> float:
        """See `Memory`."""
        return 1 / self.t1_seconds


def _positive(name: str, seconds: float) -> None:
    if not seconds > 0:
        raise ValueError(f"{name} of a memory must be positive, got {seconds!r} s")


def pair_decay(first: Memory, second: Memory) -> Decay:
    """The decay of a pair with one half in each."""
    x, y, z = (one + other for one, other in zip(first.rates, second.rates, strict=True))
    return Decay(x, y, z, first.damping, second.damping)


def coherence_of_each(decay: Decay) -> float:
    """T of the two equal depolarizing memories in which a perfect pair loses fidelity as fast at first: 2 / mean rate.

    Exact if the memories depolarize; else it only stands in where one time is asked for.
    """
    total = decay.rate_x + decay.rate_y + decay.rate_z
    return 6 / total if total > 0 else math.inf


def fidelity_at(weights: NDArray[np.float64], decay: Decay, age: NDArray[np.float64]) -> NDArray[np.float64]:
    """Fidelity of pairs with these weights (Phi+, Psi-, Psi+, Phi-) at emission, at ages in seconds (any shape)."""
    a, b, c, d = weights
    xx, minus_yy, zz = a - b + c - d, a + b - c - d, a - b - c + d
    damped = np.expm1(-decay.damping_first * age) * np.expm1(-decay.damping_second * age)
    kept = [np.exp(-rate * age) for rate in decay[:3]]
    fidelity: NDArray[np.float64] = (1 + xx * kept[0] + minus_yy * kept[1] + zz * kept[2] + damped) / 4
    return fidelity


def age_of_fidelity(weights: NDArray[np.float64], decay: Decay, least: float) -> float:
    """The age in seconds at which the fidelity first falls to `least`; infinite if it never does.

    In closed form for depolarizing memories. Otherwise by bisection, between the first two points of a grid over all
    time scales that enclose it: with damping the fidelity may rise again (both halves in their ground states have 1/2).
    """
    start = float(weights[0])
    if not 0.25 < least <= start:
        raise ValueError(f"least fidelity must lie in (0.25, {start:.6f}], got {least!r}")
    if decay.rate_x == decay.rate_y == decay.rate_z and decay.damping_first == decay.damping_second == 0:
        return math.log((start - 0.25) / (least - 0.25)) / decay.rate_x if decay.rate_x > 0 else math.inf
    rates = [rate for rate in decay if rate > 0]
    if least == start or not rates:
        return 0.0 if least == start else math.inf
    grid = np.concatenate([[0.0], np.geomspace(1e-9 / max(rates), 60 / min(rates), 8192)])
    below = np.flatnonzero(fidelity_at(weights, decay, grid) < least)
    if not len(below):
        return math.inf
    low, high = float(grid[below[0] - 1]), float(grid[below[0]])
    while low < (middle := (low + high) / 2) < high:
        if fidelity_at(weights, decay, np.array(middle)) < least:
            high = middle
        else:
            low = middle
    return high
