"""Losses of a circuit's outputs, and what an estimator needs of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


class Loss(Protocol):
    """A loss per sample of the outputs z, targets y in {-1, +1}, shapes (B, K)."""

    def __call__(self, values: Floats, targets: Floats) -> Floats:
        """Return the loss of each sample, shape (B,)."""

    def slope(self, values: Floats, targets: Floats) -> Floats:
        """Return dL/dz, shape (B, K)."""


@dataclass(frozen=True)
class SquaredLoss:
    """sum_k (z_k - y_k)^2. Its slope is linear in z: unbiased when z is estimated from shots."""

    def __call__(self, values: Floats, targets: Floats) -> Floats:
        """See `Loss`."""
        return np.sum((values - targets) ** 2, axis=1)

    def slope(self, values: Floats, targets: Floats) -> Floats:
        """See `Loss`."""
        return 2 * (values - targets)


@dataclass(frozen=True)
class CrossEntropyLoss:
    """Cross-entropy of softmax(scale z), or of a logistic function of 2 scale z for one output.

    Its slope is not linear in z: from m shots a cell it is biased by about slope''(z) (1 - z^2) / (2 m), which falls
    with the shots and not with the rounds. scale: outputs lie in [-1, 1], too narrow for a softmax.
    """

    scale: float = 3.0

    def __call__(self, values: Floats, targets: Floats) -> Floats:
        """See `Loss`."""
        return -np.log(np.maximum(np.sum(self._probabilities(values) * self._one_hot(targets), axis=1), 1e-300))

    def slope(self, values: Floats, targets: Floats) -> Floats:
        """See `Loss`."""
        distance = self._probabilities(values) - self._one_hot(targets)
        if values.shape[1] == 1:
            return 2 * self.scale * distance[:, :1]
        return self.scale * distance

    def _probabilities(self, values: Floats) -> Floats:
        scores = self.scale * (np.hstack([values, -values]) if values.shape[1] == 1 else values)
        powers = np.exp(scores - scores.max(axis=1, keepdims=True))
        return powers / powers.sum(axis=1, keepdims=True)

    def _one_hot(self, targets: Floats) -> Floats:
        columns = np.hstack([targets, -targets]) if targets.shape[1] == 1 else targets
        return np.where(columns > 0, 1.0, 0.0)
