"""Weights by precision: optimal, monotone, and uniform where they must be."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ceas_ray.aggregation.evidence import Evidence
from ceas_ray.aggregation.precision_weights import PrecisionWeights, gradient_variances, predicted_variance


def evidence_of(seed: int, rows: int, tests: float = 5000.0) -> Evidence:
    draw = np.random.default_rng(seed)
    lower = draw.uniform(0.2, 1.0, rows)
    shots, samples = draw.integers(100, 2000, rows) * 1.0, draw.integers(1, 40, rows) * 1.0
    return Evidence(
        contrast_lower=lower, contrast=lower, shots=shots, samples=samples, tests=np.full(rows, tests), qubits=6
    )


@given(st.integers(0, 10**6), st.integers(2, 30), st.floats(0, 10))
def test_no_other_weights_have_a_smaller_bound_on_the_error(seed: int, rows: int, heterogeneity: float) -> None:
    evidence = evidence_of(seed, rows)
    variances = gradient_variances(evidence, 1.0, 500.0)

    def bound(weights: np.ndarray) -> float:
        bias = rows * heterogeneity * np.sum((weights - 1 / rows) ** 2)
        return predicted_variance(weights, variances) + float(bias)

    best = PrecisionWeights(1.0, 500.0, heterogeneity, 1000)(evidence)
    assert best.sum() == pytest.approx(1)
    least = bound(best)
    draw = np.random.default_rng(seed + 1)
    for other in [np.full(rows, 1 / rows), *draw.dirichlet(np.ones(rows), 20)]:
        assert bound(other) >= least * (1 - 1e-12)
        assert bound(0.99 * best + 0.01 * other) >= least * (1 - 1e-12)


@given(st.integers(0, 10**6), st.integers(2, 30))
def test_the_bound_holds_for_shards_that_differ(seed: int, rows: int) -> None:
    draw = np.random.default_rng(seed)
    apart = draw.normal(size=(rows, 5))
    apart -= apart.mean(axis=0)
    heterogeneity = np.mean(np.sum(apart**2, axis=1))
    weights = PrecisionWeights(1.0, 500.0, 0.1, 0)(evidence_of(seed, rows))
    bias = np.sum((weights @ apart) ** 2)
    assert bias <= rows * heterogeneity * np.sum((weights - 1 / rows) ** 2) + 1e-12


def test_the_predicted_variance_is_that_of_drawn_gradients() -> None:
    evidence, draw = evidence_of(1, 6), np.random.default_rng(2)
    variances = gradient_variances(evidence, 1.0, 500.0)
    for weights in (np.full(6, 1 / 6), PrecisionWeights(1.0, 500.0, 0.0, 0)(evidence)):
        noise = draw.normal(size=(20000, 6, 4)) * np.sqrt(variances / 4)[:, None]
        drawn = np.sum(np.einsum("k,tkd->td", weights, noise) ** 2, axis=1)
        error = drawn.std(ddof=1) / np.sqrt(len(drawn))
        assert abs(drawn.mean() - predicted_variance(weights, variances)) < 4 * error


def test_without_heterogeneity_uniform_over_best_is_arithmetic_over_harmonic_mean() -> None:
    evidence = evidence_of(3, 9)
    variances = gradient_variances(evidence, 1.0, 500.0)
    best = predicted_variance(PrecisionWeights(1.0, 500.0, 0.0, 0)(evidence), variances)
    uniform = predicted_variance(np.full(9, 1 / 9), variances)
    assert uniform / best == pytest.approx(np.mean(variances) * np.mean(1 / variances))


def test_more_contrast_shots_or_samples_bring_more_weight_and_heterogeneity_evens_out() -> None:
    one = np.ones(3)
    for contrast, shots, samples in (([0.5, 0.7, 0.9], one * 512, one * 8), (one, [256, 512, 1024], one * 8),
                                     (one, one * 512, [2, 8, 32])):  # fmt: skip
        evidence = Evidence(
            contrast_lower=np.array(contrast),
            contrast=one,
            shots=np.array(shots) * 1.0,
            samples=np.array(samples) * 1.0,
            tests=one * 2000,
            qubits=4,
        )
        weights = PrecisionWeights(1.0, 100.0, 0.1, 1000)(evidence)
        assert np.all(np.diff(weights) > 0)
        even = PrecisionWeights(1.0, 100.0, 1e6, 1000)(evidence)
        np.testing.assert_allclose(even, 1 / 3, atol=1e-5)


def test_they_wait_for_the_tests_and_a_row_without_contrast_has_no_weight() -> None:
    weights = PrecisionWeights(1.0, 100.0, 0.1, 1000)
    assert np.array_equal(weights(evidence_of(1, 4, tests=999.0)), np.full(4, 0.25))
    one, contrast = np.ones(3), np.array([0.0, 0.5, 0.5])
    evidence = Evidence(contrast_lower=contrast, contrast=contrast, shots=one, samples=one, tests=one * 2000, qubits=4)
    np.testing.assert_allclose(weights(evidence), [0, 0.5, 0.5])
    assert np.isfinite(predicted_variance(weights(evidence), gradient_variances(evidence, 1.0, 100.0)))
    nothing = Evidence(contrast_lower=one * 0, contrast=one, shots=one, samples=one, tests=one * 2000, qubits=4)
    np.testing.assert_allclose(weights(nothing), 1 / 3)
    np.testing.assert_allclose(PrecisionWeights(0.0, 0.0, 0.0, 0)(evidence_of(1, 4)), 0.25)


def test_a_negative_variance_is_refused() -> None:
    with pytest.raises(ValueError, match="shot_variance must be a number in"):
        PrecisionWeights(1.0, -1.0, 0.0, 1000)
