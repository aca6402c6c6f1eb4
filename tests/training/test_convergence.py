"""Descent under heterogeneous noise: the quadratic exactly, the statement's bound, and a QNN measured."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ceas_ray.aggregation.precision_weights import predicted_variance
from ceas_ray.quantum.circuit import Circuit
from ceas_ray.quantum.fisher_information import state_and_tangents
from ceas_ray.training.convergence import (
    loss_bound,
    min_variance_weights,
    noisy_descent,
    stationary_quadratic_loss,
)

VARIANCES = np.geomspace(0.5, 50, 8)
EQUAL = np.full(8, 1 / 8)


def mean_and_error(losses: np.ndarray, blocks: int = 50) -> tuple[float, float]:
    """Mean of a correlated series, and its standard error from the means of blocks much longer than the memory."""
    means = losses.reshape(blocks, -1).mean(axis=1)
    return float(means.mean()), float(means.std(ddof=1) / np.sqrt(blocks))


@pytest.mark.parametrize("step", [0.05, 0.3, 1.0])
@pytest.mark.parametrize("weights", [EQUAL, min_variance_weights(VARIANCES)], ids=["uniform", "best"])
def test_the_stationary_loss_of_the_quadratic_is_exact(step: float, weights: np.ndarray) -> None:
    path = noisy_descent(
        lambda theta: theta,
        np.zeros(6),
        step=step,
        variances=VARIANCES,
        weights=weights,
        steps=51_000,
        generator=np.random.default_rng(1),
    )[1001:]
    mean, error = mean_and_error(np.sum(path**2, axis=1) / 2)
    assert error < 0.05 * mean
    assert abs(mean - stationary_quadratic_loss(step, predicted_variance(weights, VARIANCES))) < 4 * error


@given(st.lists(st.floats(1e-3, 1e3), min_size=1, max_size=60))
def test_uniform_against_best_weights_is_arithmetic_over_harmonic_mean(variances: list[float]) -> None:
    v = np.array(variances)
    uniform, best = np.full(len(v), 1 / len(v)), min_variance_weights(v)
    ratio = predicted_variance(uniform, v) / predicted_variance(best, v)
    assert ratio == pytest.approx(np.mean(v) * np.mean(1 / v))
    assert ratio >= 1 - 1e-12


def test_the_bound_holds_along_the_way_and_is_met_by_bias_alone() -> None:
    """f = sum_i c_i theta_i^2 / 2 with c from mu = .2 to L = 2, a constant bias, noise of variance V."""
    curvature, bias = np.linspace(0.2, 2, 5), np.array([0.05, 0, 0, 0, 0])
    start, step, steps = np.ones(5), 0.4, 60
    excess = np.array(
        [
            0.5
            * np.sum(
                curvature
                * noisy_descent(
                    lambda theta: curvature * theta + bias,
                    start,
                    step=step,
                    variances=VARIANCES,
                    weights=EQUAL,
                    steps=steps,
                    generator=np.random.default_rng(seed),
                )
                ** 2,
                axis=1,
            )
            for seed in range(400)
        ]
    )
    variance = predicted_variance(EQUAL, VARIANCES)
    for t in (0, 5, 20, 60):
        error = excess[:, t].std(ddof=1) / np.sqrt(len(excess))
        bound = loss_bound(
            0.5 * curvature.sum(), smoothness=2.0, growth=0.2, step=step, variance=variance, bias=0.05, steps=t
        )
        assert excess[:, t].mean() <= bound + 4 * error
    still = noisy_descent(
        lambda theta: curvature * theta + bias,
        start,
        step=step,
        variances=0 * VARIANCES + 1e-300,
        weights=EQUAL,
        steps=3000,
        generator=np.random.default_rng(1),
    )[-1]
    assert 0.5 * np.sum(curvature * still**2) == pytest.approx(
        loss_bound(1.0, smoothness=2.0, growth=0.2, step=step, variance=0, bias=0.05, steps=3000)
    )


def test_steps_without_a_statement_are_refused() -> None:
    with pytest.raises(ValueError, match="step <= 1 / L"):
        loss_bound(1.0, smoothness=2.0, growth=0.2, step=0.6, variance=1.0, bias=0.0, steps=5)
    with pytest.raises(ValueError, match="must lie in"):
        stationary_quadratic_loss(2.0, 1.0)


@pytest.mark.slow
def test_on_a_qnn_the_measured_excess_loss_is_lower_with_the_best_weights() -> None:
    """One network, one data set, measured: no law. Starts from where noiseless descent ends."""
    circuit, draw = Circuit(3, 1, 1), np.random.default_rng(4)
    angles = draw.uniform(-1.5, 1.5, (8, 3))
    targets = np.sign(angles[:, 0])
    signs = np.where(np.arange(8) & 1, -1.0, 1.0)

    def value_and_gradient(parameters: np.ndarray) -> tuple[float, np.ndarray]:
        psi, tangents = state_and_tangents(circuit, angles, parameters)
        error = np.sum(signs * np.abs(psi) ** 2, axis=1) - targets
        slope = 2 * np.real(np.einsum("bk,bik->bi", signs * psi.conj(), tangents))
        return float(np.mean(error**2)), 2 * np.mean(error[:, None] * slope, axis=0)

    def descend(start: np.ndarray, weights: np.ndarray, steps: int, scale: float) -> np.ndarray:
        return noisy_descent(
            lambda theta: value_and_gradient(theta)[1],
            start,
            step=0.1,
            variances=scale * VARIANCES,
            weights=weights,
            steps=steps,
            generator=np.random.default_rng(5),
        )

    best = min_variance_weights(VARIANCES)
    optimum = descend(draw.uniform(-1, 1, circuit.parameter_count), EQUAL, 1500, 1e-12)[-1]
    least = value_and_gradient(optimum)[0]
    excess = {}
    for name, weights in (("uniform", EQUAL), ("best", best)):
        losses = np.array([value_and_gradient(theta)[0] for theta in descend(optimum, weights, 2400, 0.1)[401:]])
        excess[name] = mean_and_error(losses - least, blocks=20)
    gap = excess["uniform"][0] - excess["best"][0]
    assert excess["best"][0] > 0
    assert gap > 4 * np.hypot(excess["uniform"][1], excess["best"][1])
