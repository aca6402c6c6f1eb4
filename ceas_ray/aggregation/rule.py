"""What an aggregation rule is, and what every rule checks."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


class Rule(Protocol):
    """Combines updates (n, d), one row per processor, weights (n,) that sum to 1, into one (d,).

    faults: how many rows may be Byzantine. A rule never changes its input.
    """

    def __call__(self, updates: Floats, weights: Floats, faults: int) -> Floats:
        """The aggregate. ValueError for non-finite rows, bad weights, or too many faults."""


def checked(updates: Floats, weights: Floats, faults: int) -> None:
    """Raises ValueError for what no rule can work with."""
    if updates.ndim != 2 or len(updates) == 0 or not np.all(np.isfinite(updates)):
        raise ValueError(f"updates must be finite rows (n, d), got shape {updates.shape}")
    if weights.shape != (len(updates),) or np.any(weights < 0) or abs(float(np.sum(weights)) - 1) > 1e-9:
        raise ValueError(f"weights must be {len(updates)} numbers >= 0 that sum to 1")
    if not 0 <= faults < len(updates) / 2:
        raise ValueError(f"faults must be at least 0 and fewer than half of {len(updates)} rows, got {faults}")


def squared_distances(updates: Floats) -> Floats:
    """All pairwise squared distances (n, n), from the Gram matrix; exactly 0 on the diagonal."""
    gram = updates @ updates.T
    norms = np.diag(gram)
    distances = np.maximum(norms[:, None] + norms[None, :] - 2 * gram, 0.0)
    np.fill_diagonal(distances, 0.0)
    return distances


def mass_kept(weights: Floats, most: float) -> Floats:
    """How much of each weight is kept, in order, until `most` is reached along the last axis; the last one partly."""
    before = np.cumsum(weights, axis=-1) - weights
    return np.clip(most - before, 0.0, weights)
