"""Logistic regression, the classical model to compare with, as scikit-learn fits it by default.

It is fitted here because scikit-learn takes longer to import than a short run takes to compute.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

_MAX_STEPS, _MAX_HALVINGS = 100, 40
_SMALL_GRADIENT = 1e-8
"""For each sample."""


class LogisticRegression:
    """The model with the least cross-entropy plus half the squared norm of its weights (not of its intercepts)."""

    def __init__(self, features: Floats, labels: Integers) -> None:
        """Fit by damped Newton steps to features (samples, F) and labels (samples,) from 0."""
        classes = int(labels.max()) + 1
        self._free = 1 if classes == 2 else classes
        self._weights = np.zeros((self._free, features.shape[1] + 1))
        inputs, targets = _with_one(features), np.eye(classes)[labels]
        for _ in range(_MAX_STEPS):
            gradient, hessian = self._slopes(inputs, targets)
            if np.abs(gradient).max() <= _SMALL_GRADIENT * len(labels):
                return
            step: Floats = np.asarray(np.linalg.lstsq(hessian, gradient.ravel())[0], dtype=np.float64)
            self._go_down(step.reshape(gradient.shape), inputs, targets)

    def accuracy(self, features: Floats, labels: Integers) -> float:
        """Return the share of samples whose likeliest class is their label."""
        return float(np.mean(np.argmax(self._logits(_with_one(features)), axis=1) == labels))

    def _go_down(self, step: Floats, inputs: Floats, targets: Floats) -> None:
        """Subtract the step from the weights, or the largest half, quarter, ... of it that lessens the loss."""
        before, loss = self._weights, self._loss(inputs, targets)
        for halvings in range(_MAX_HALVINGS):
            self._weights = before - step / 2**halvings
            if self._loss(inputs, targets) <= loss:
                return
        self._weights = before

    def _logits(self, inputs: Floats) -> Floats:
        """Return logits, shape (samples, classes); of two classes, that of the first is 0."""
        logits = inputs @ self._weights.T
        return logits if self._free > 1 else np.hstack([np.zeros_like(logits), logits])

    def _loss(self, inputs: Floats, targets: Floats) -> float:
        logits = self._logits(inputs)
        cross_entropy = np.logaddexp.reduce(logits, axis=1).sum() - np.sum(logits * targets)
        return float(cross_entropy + np.sum(self._weights[:, :-1] ** 2) / 2)

    def _slopes(self, inputs: Floats, targets: Floats) -> tuple[Floats, Floats]:
        """Return the gradient of the loss, shape (rows, F + 1), and its second derivatives, over the weights in line.

        Of two classes there is one row, of more there are as many.
        """
        logits, free = self._logits(inputs), self._free
        shares = np.exp(logits - np.logaddexp.reduce(logits, axis=1, keepdims=True))[:, -free:]
        penalized = np.append(np.ones(inputs.shape[1] - 1), 0.0)
        gradient = (shares - targets[:, -free:]).T @ inputs + self._weights * penalized
        hessian = np.zeros((free, len(penalized), free, len(penalized)))
        for one, other in np.ndindex(free, free):
            curvature = shares[:, one] * ((one == other) - shares[:, other])
            hessian[one, :, other] = (inputs * curvature[:, None]).T @ inputs + (one == other) * np.diag(penalized)
        return gradient, hessian.reshape(gradient.size, gradient.size)


def _with_one(features: Floats) -> Floats:
    """Return features and a constant, which the intercept multiplies."""
    return np.hstack([features, np.ones((len(features), 1))])
