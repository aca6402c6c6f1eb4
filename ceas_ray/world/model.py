"""From settings to the parts of a model."""

from __future__ import annotations

from ceas_ray.config.schema import TrainingSettings
from ceas_ray.quantum.loss import CrossEntropyLoss, Loss, SquaredLoss


def loss_of(training: TrainingSettings) -> Loss:
    """The loss that training descends."""
    return SquaredLoss() if training.loss == "squared" else CrossEntropyLoss(training.loss_scale)
