"""Memories that hold the halves of a pair: how its correlations decay with its age, counted from emission.

Small frozen policies; the rates of a pair's two memories are its `Decay`, plain floats for compiled loops.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from ceas_ray.quantum import pair_physics
from ceas_ray.quantum.pair_physics import Rates


class Decay(NamedTuple):
    """The memories of a pair's two halves; ages count from emission, of both halves alike."""

    start: Rates
    end: Rates


class Memory(Protocol):
    """A memory's part in the decay of a pair."""

    @property
    def rates(self) -> Rates:
        """Rates at which it changes its half, in 1/s."""
        ...


@dataclass(frozen=True)
class Depolarizing:
    """A memory in which all correlations shrink alike, by exp(-t / T)."""

    coherence_seconds: float

    def __post_init__(self) -> None:
        _positive("coherence time", self.coherence_seconds)

    @property
    def rates(self) -> Rates:
        """See `Memory`."""
        rate = 1 / self.coherence_seconds
        return Rates(rate, rate, rate, 0.0)


@dataclass(frozen=True)
class Dephasing:
    """Phases are lost by exp(-t / T2), populations stay."""

    t2_seconds: float

    def __post_init__(self) -> None:
        _positive("T2", self.t2_seconds)

    @property
    def rates(self) -> Rates:
        """See `Memory`."""
        return Rates(1 / self.t2_seconds, 1 / self.t2_seconds, 0.0, 0.0)


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
    def rates(self) -> Rates:
        """See `Memory`."""
        return Rates(1 / self.t2_seconds, 1 / self.t2_seconds, 1 / self.t1_seconds, 1 / self.t1_seconds)


def _positive(name: str, seconds: float) -> None:
    if not seconds > 0:
        raise ValueError(f"{name} of a memory must be positive, got {seconds!r} s")


def pair_decay(first: Memory, second: Memory) -> Decay:
    """Return the decay of a pair with one half in each."""
    return Decay(first.rates, second.rates)


def coherence_of_each(decay: Decay) -> float:
    """Return T of the two equal depolarizing memories in which a perfect pair loses fidelity as fast at first: 2 / mean
    rate.

    Exact if the memories depolarize; else it only stands in where one time is asked for.
    """
    total = math.fsum(memory.x + memory.y + memory.z for memory in decay)
    return 6 / total if total > 0 else math.inf


def kept_by(rates: Rates, seconds: float) -> float:
    """Return what a memory with these rates keeps of a qubit: the Werner parameter of depolarizing with the same
    fidelity.

    That is its channel twirled; of a memory that depolarizes, its channel.
    """
    return sum(math.exp(-rate * seconds) for rate in (rates.x, rates.y, rates.z)) / 3


def fidelity_at(weights: NDArray[np.float64], decay: Decay, age: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the fidelity of pairs with these weights (Phi+, Psi-, Psi+, Phi-) at emission, at ages in seconds (any
    shape).
    """
    xx, yy, zz = pair_physics.correlations_of_weights(*weights)
    pair = pair_physics.Pair(xx, yy, zz, 0.0, 0.0)
    return np.asarray(pair_physics.fidelity_of(pair_physics.aged(pair, decay.start, age, decay.end, age)))


def age_of_fidelity(weights: NDArray[np.float64], decay: Decay, min_fidelity: float) -> float:
    """Return the age in seconds at which the fidelity first falls to `min_fidelity`; infinite if it never does.

    In closed form for depolarizing memories. Otherwise by bisection, between the first two points of a grid over all
    time scales that enclose it: with damping the fidelity may rise again (both halves in their ground states have 1/2).
    The bisection goes down to neighbouring numbers, which no tolerance of a library's root finder stands for.
    """
    start = float(weights[0])
    if not 0.25 < min_fidelity <= start:
        raise ValueError(f"minimum fidelity must lie in (0.25, {start:.6f}], got {min_fidelity!r}")
    x, y, z, damping = (one + other for one, other in zip(decay.start, decay.end, strict=True))
    if x == y == z and damping == 0:
        return math.log((start - 0.25) / (min_fidelity - 0.25)) / x if x > 0 else math.inf
    rates = [rate for rate in (x, y, z, decay.start.damping, decay.end.damping) if rate > 0]
    if min_fidelity == start or not rates:
        return 0.0 if min_fidelity == start else math.inf
    grid = np.concatenate([[0.0], np.geomspace(1e-9 / max(rates), 60 / min(rates), 8192)])
    below = np.flatnonzero(fidelity_at(weights, decay, grid) < min_fidelity)
    if not len(below):
        return math.inf
    low, high = float(grid[below[0] - 1]), float(grid[below[0]])
    while low < (middle := (low + high) / 2) < high:
        if fidelity_at(weights, decay, np.array(middle)) < min_fidelity:
            high = middle
        else:
            low = middle
    return high
