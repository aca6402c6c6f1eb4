"""Data sets for tests, split and encoded."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ceas_ray.training.datasets import DataSet, Encoding, prepare, set_aside, split


def prepared(
    features: NDArray[np.float64],
    labels: NDArray[np.int64],
    encoding: Encoding,
    test_fraction: float = 0.3,
    validation_fraction: float = 0.0,
    seed: int = 1,
) -> DataSet:
    training, test = split(features, labels, test_fraction, seed)
    train, validation = set_aside(training, validation_fraction, np.random.default_rng(seed))
    return prepare(train, validation, test, encoding)
