"""Weights proportional to the quantum Fisher information."""

from __future__ import annotations

import numpy as np
import pytest

from ceas_ray.aggregation.evidence import Evidence
from ceas_ray.aggregation.fisher_weights import FisherWeights


def test_fisher_weights_wait_for_the_tests_and_follow_the_formula() -> None:
    contrast = np.array([0.5, 0.9])
    evidence = Evidence(
        contrast_lower=contrast,
        contrast=contrast,
        shots=contrast,
        samples=contrast,
        tests=np.array([999.0, 5000.0]),
        qubits=6,
    )
    assert np.array_equal(FisherWeights(1000)(evidence), [0.5, 0.5])
    enough = Evidence(
        contrast_lower=contrast,
        contrast=contrast,
        shots=contrast,
        samples=contrast,
        tests=np.array([1000.0, 5000.0]),
        qubits=6,
    )
    expected = contrast**2 / (contrast + 2 * (1 - contrast) / 64)
    assert expected[0] == pytest.approx(0.485, abs=1e-3)
    np.testing.assert_allclose(FisherWeights(1000)(enough), expected / expected.sum())
