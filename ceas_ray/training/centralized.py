"""The reference without a network: the same model, trained in one process on all data with exact gradients."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ceas_ray.quantum.circuit_values import VariationalCircuit, ideal_derivatives
from ceas_ray.quantum.loss import Loss
from ceas_ray.training.datasets import DataSet
from ceas_ray.training.learning_rate import LearningRate
from ceas_ray.training.metrics import model_outputs, predicted_labels

Floats = NDArray[np.float64]


class Optimizer(Protocol):
    """Turns the gradients of successive steps into directions to descend along."""

    def directions(self, size: int) -> Direction:
        """Return a fresh memory for `size` parameters."""


class Direction(Protocol):
    """The memory of one training."""

    def __call__(self, gradient: Floats) -> Floats:
        """Return the direction after one more gradient, both (P,)."""


@dataclass(frozen=True)
class Momentum:
    """m <- decay m + (1 - decay) g, like the processors' worker momentum; with decay 0 it is plain gradient descent."""

    decay: float

    def directions(self, size: int) -> Direction:
        """See `Optimizer`."""
        mean = np.zeros(size)

        def direction(gradient: Floats) -> Floats:
            mean[:] = self.decay * mean + (1 - self.decay) * gradient
            return mean

        return direction


@dataclass(frozen=True)
class Adam:
    """Adam (Kingma and Ba, ICLR 2015): the mean gradient over the root of the mean square, each without its bias."""

    decay: float = 0.9
    square_decay: float = 0.999

    def directions(self, size: int) -> Direction:
        """See `Optimizer`."""
        mean, square = np.zeros(size), np.zeros(size)
        step = 0

        def direction(gradient: Floats) -> Floats:
            nonlocal step
            step += 1
            mean[:] = self.decay * mean + (1 - self.decay) * gradient
            square[:] = self.square_decay * square + (1 - self.square_decay) * gradient**2
            scale = np.sqrt(square / (1 - self.square_decay**step)) + 1e-8
            return mean / (1 - self.decay**step) / scale

        return direction


@dataclass(frozen=True)
class CentralizedTraining:
    """Descends the mean loss over all training data for `learning_rate.rounds` steps.

    batch: samples per step, a new random order each time that all were seen; None: all of them.
    """

    circuit: VariationalCircuit
    loss: Loss
    optimizer: Optimizer
    learning_rate: LearningRate
    batch: int | None = None

    def __call__(self, data: DataSet, initial: Floats, generator: np.random.Generator) -> Floats:
        """Return the trained parameters (P,) from `initial` (P,), rad."""
        parameters = initial.copy()
        direction = self.optimizer.directions(len(initial))
        batches = self._batches(len(data.train_angles), generator)
        for step in range(self.learning_rate.rounds):
            chosen = next(batches)
            gradient = self.gradient(parameters, data.train_angles[chosen], data.train_targets[chosen])
            parameters = parameters - self.learning_rate(step) * direction(gradient)
        return parameters

    def gradient(self, parameters: Floats, angles: Floats, targets: Floats) -> Floats:
        """Return the exact gradient (P,) of the mean loss of samples (B, n) with targets (B, K), in 1/rad."""
        values = model_outputs(self.circuit, parameters, angles)
        slope = self.loss.slope(values, targets) / len(angles)
        _, first = ideal_derivatives(
            self.circuit, angles, parameters[None], owner=np.zeros(len(angles), np.int64), cotangent=slope
        )
        return first.sum(axis=0)

    def _batches(self, samples: int, generator: np.random.Generator) -> Iterator[NDArray[np.int64]]:
        size = samples if self.batch is None else min(self.batch, samples)
        while True:
            order = np.arange(samples) if self.batch is None else generator.permutation(samples)
            for start in range(0, samples - size + 1, size):
                yield order[start : start + size]


def accuracy_on_test(circuit: VariationalCircuit, parameters: Floats, data: DataSet) -> float:
    """Return the share of the test set whose class the noiseless model with parameters (P,), rad, predicts."""
    predicted = predicted_labels(model_outputs(circuit, parameters, data.test_angles))
    return float(np.mean(predicted == data.test_labels))
