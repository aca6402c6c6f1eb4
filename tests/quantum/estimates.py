"""Exact values, and what estimates of gradients must show."""

from __future__ import annotations

from typing import Any

import numpy as np

from ceas_ray.quantum.estimator import (
    TableSampler,
)
from ceas_ray.quantum.loss import SquaredLoss

SQUARED = SquaredLoss()


def table(readout_error: float = 0.0) -> tuple[TableSampler, Any]:
    draw = np.random.default_rng(1)
    values, first = draw.uniform(-0.5, 0.5, (3, 2)), draw.uniform(-0.3, 0.3, (3, 2, 4))
    second, targets = -values[:, :, None] * draw.uniform(0, 1, (3, 2, 4)), draw.choice([-1.0, 1.0], (3, 2))
    return TableSampler(values, first, second, np.full(2, 1 - 2 * readout_error)), targets


def assert_unbiased(estimates: Any, expected: Any) -> None:
    error = estimates.std(axis=0, ddof=1) / np.sqrt(len(estimates))
    assert np.all(np.abs(estimates.mean(axis=0) - expected) < 4 * error)


def assert_variance(found: Any, missing: float, above: float = 0.0) -> None:
    """The mean reported variance is the true one less `missing`, or up to `above` more, within 4 standard errors."""
    gradients = np.array([estimate.gradient for estimate in found])
    squares = np.sum((gradients - gradients.mean(axis=0)) ** 2, axis=1) * len(found) / (len(found) - 1)
    reported = np.array([estimate.variance for estimate in found])
    excess = (reported - squares + missing)[np.isfinite(reported)]
    error = 4 * excess.std(ddof=1) / np.sqrt(len(excess))
    assert -error < excess.mean() < above + error
