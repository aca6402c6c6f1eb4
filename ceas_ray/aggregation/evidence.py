"""The evidence that weights may rest on, and the protocol of weights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """Evidence on the processors whose rows entered, each (n,): certified contrast (lower bound and point estimate),
    shots and samples as the hub knows them, tests behind the certificate. Nothing in here is reported by a
    processor."""

    contrast_lower: Floats
    contrast: Floats
    shots: Floats
    samples: Floats
    tests: Floats
    qubits: int


class Weights(Protocol):
    """Turns evidence into weights (n,) that sum to 1."""

    def __call__(self, evidence: Evidence) -> Floats:
        """Return the weights before the cap."""


def uniform(count: int) -> Floats:
    """Return equal weights (count,), which sum to 1."""
    return np.full(count, 1 / count)
