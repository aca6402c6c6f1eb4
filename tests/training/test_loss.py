"""Losses and their derivatives."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ceas_ray.training.loss import SCALE, LossName, loss, residual

LOSSES: tuple[LossName, ...] = ("squared", "cross_entropy")


def drawn(seed: int, outputs: int) -> tuple[np.ndarray, np.ndarray]:
    draw = np.random.default_rng(seed)
    labels = draw.integers(0, max(2, outputs), 5)
    targets = np.where(labels[:, None] == np.arange(outputs), 1.0, -1.0)
    return draw.uniform(-1, 1, (5, outputs)), targets


@pytest.mark.parametrize("name", LOSSES)
@given(seed=st.integers(0, 10**6), outputs=st.integers(1, 4))
def test_the_residual_is_the_derivative_of_the_loss(name: LossName, seed: int, outputs: int) -> None:
    values, targets = drawn(seed, outputs)
    derivative = residual(name, values, targets) / len(values)
    for b, k in np.ndindex(values.shape):
        step = np.zeros_like(values)
        step[b, k] = 1e-5
        difference = loss(name, values + step, targets) - loss(name, values - step, targets)
        assert derivative[b, k] == pytest.approx(difference / 2e-5, abs=1e-8)


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("outputs", [1, 3])
def test_the_loss_falls_where_outputs_speak_for_their_targets(name: LossName, outputs: int) -> None:
    _, targets = drawn(1, outputs)
    losses = [loss(name, share * targets, targets) for share in (-1, -0.5, 0, 0.5, 1)]
    assert losses == sorted(losses, reverse=True)
    assert loss("cross_entropy", 0 * targets, targets) == pytest.approx(np.log(max(2, outputs)))


@pytest.mark.parametrize("outputs", [1, 3])
def test_extreme_estimates_make_no_overflow(outputs: int) -> None:
    _, targets = drawn(1, outputs)
    for scale in (-1e6, 1e6):
        assert np.isfinite(residual("cross_entropy", scale * targets, targets)).all()
        assert np.isfinite(loss("cross_entropy", scale * targets, targets))


@pytest.mark.parametrize("shots", [8, 32])
def test_the_bias_of_sampled_cross_entropy_is_what_the_docstring_says(shots: int) -> None:
    z = np.array([[0.4]])
    means = 2 * np.random.default_rng(1).binomial(shots, (1 + z[0, 0]) / 2, (400_000, 1)) / shots - 1
    drawn = residual("cross_entropy", means, np.ones_like(means))[:, 0]
    bias = drawn.mean() - residual("cross_entropy", z, np.ones((1, 1)))[0, 0]
    sigmoid = 1 / (1 + np.exp(SCALE * z[0, 0]))
    curvature = -(SCALE**3) * sigmoid * (1 - sigmoid) * (1 - 2 * sigmoid)
    error = drawn.std() / np.sqrt(len(drawn))
    assert abs(bias - curvature * (1 - 0.16) / (2 * shots)) < 4 * error + 10 / shots**2
    assert abs(bias) > 4 * error
    assert abs(bias) <= SCALE**3 / 10.39 / (2 * shots)
    squared = residual("squared", means, np.ones_like(means))[:, 0]
    assert abs(squared.mean() - 2 * (0.4 - 1)) < 4 * squared.std() / np.sqrt(len(squared))
