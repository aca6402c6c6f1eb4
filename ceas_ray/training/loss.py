"""Losses of the outputs z (B, K) against targets y (B, K) of +-1, and their derivative dL/dz of one sample.

A loss is the mean over samples. `squared`: sum_k (z_k - y_k)^2. `cross_entropy` scales the outputs by `scale` = 4, so
that values in [-1, 1] can speak clearly: with one output log(1 + exp(-scale y z)), a sigmoid of scale z; with K > 1 a
softmax of scale z_k (the targets' +1 marks the class).

**Sampling.** The derivative of the squared loss is linear in z, so a mean of independent shots gives it without bias.
That of the cross-entropy is not: for h(z) = dL/dz and a cell's mean of S shots with variance (1 - z^2) / S, the bias is
h''(z) (1 - z^2) / (2 S) + O(S^-2). For one output and y = +1, |h''| = scale^3 s (1 - s) |1 - 2 s| with the sigmoid s,
at most scale^3 / 10.39 = 6.2: with S = 8 forward shots a cell the bias is at most 0.39, against derivatives up to 4.
It shrinks with `forward_circuits`, not with the number of shifted circuits.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
LossName = Literal["squared", "cross_entropy"]
SCALE = 4.0


def loss(name: LossName, values: Floats, targets: Floats) -> float:
    """The loss of outputs and targets (B, K), mean over the samples."""
    if name == "squared":
        return float(np.mean(np.sum((values - targets) ** 2, axis=1)))
    if values.shape[1] == 1:
        return float(np.mean(np.logaddexp(0.0, -SCALE * targets * values)))
    logits = SCALE * values
    chosen = np.sum(np.where(targets > 0, logits, 0.0), axis=1)
    return float(np.mean(np.logaddexp.reduce(logits, axis=1) - chosen))


def residual(name: LossName, values: Floats, targets: Floats) -> Floats:
    """dL/dz of every sample's own loss, shape (B, K): divide by B for the loss of all.

    Of the squared loss 2 (z - y). Values may be estimates outside [-1, 1] (contrast undone).
    """
    if name == "squared":
        return 2 * (values - targets)
    if values.shape[1] == 1:
        return -SCALE / 2 * targets * (1 - np.tanh(SCALE / 2 * targets * values))
    shares = np.exp(SCALE * (values - values.max(axis=1, keepdims=True)))
    return SCALE * (shares / shares.sum(axis=1, keepdims=True) - (targets > 0))
