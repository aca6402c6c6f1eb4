"""Loss and accuracy of a model."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ceas_ray.quantum.circuit_values import VariationalCircuit, ideal_expectations
from ceas_ray.quantum.loss import Loss

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """Loss and accuracy of a model on data, computed on ideal hardware with infinitely many shots."""

    circuit: VariationalCircuit
    loss: Loss
    angles: Floats
    targets: Floats
    labels: NDArray[np.int64]

    def __call__(self, parameters: Floats) -> tuple[float, float]:
        """Return (mean loss of a sample, accuracy)."""
        outputs = model_outputs(self.circuit, parameters, self.angles)
        loss = float(np.mean(self.loss(outputs, self.targets)))
        return loss, float(np.mean(predicted_labels(outputs) == self.labels))


@dataclass(frozen=True, kw_only=True)
class LabelShare:
    """The share of samples that a model gives a certain label, on ideal hardware with infinitely many shots."""

    circuit: VariationalCircuit
    angles: Floats
    label: int

    def __call__(self, parameters: Floats) -> float:
        """Return the share under these parameters, shape (d,), in rad."""
        outputs = model_outputs(self.circuit, parameters, self.angles)
        return float(np.mean(predicted_labels(outputs) == self.label))


def model_outputs(circuit: VariationalCircuit, parameters: Floats, angles: Floats) -> Floats:
    """Return <Z_k> without noise of samples (B, n) at parameters (P,), shape (B, K)."""
    return ideal_expectations(circuit, angles, parameters[None], np.zeros(len(angles), dtype=np.int64))


def predicted_labels(outputs: Floats) -> NDArray[np.int64]:
    """Return the class that the outputs (samples, K) speak for: by sign for one output (+1 is class 0), else the
    largest.
    """
    if outputs.shape[1] == 1:
        return (outputs[:, 0] < 0).astype(np.int64)
    return np.argmax(outputs, axis=1).astype(np.int64)
