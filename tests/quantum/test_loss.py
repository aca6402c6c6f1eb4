"""Losses and their derivatives."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ceas_ray.quantum.loss import CrossEntropyLoss, Loss, SquaredLoss

LOSSES = (SquaredLoss(), CrossEntropyLoss(), CrossEntropyLoss(1.5))


def drawn(seed: int, outputs: int) -> tuple[np.ndarray, np.ndarray]:
    draw = np.random.default_rng(seed)
    labels = draw.integers(0, max(2, outputs), 5)
    targets = np.where(labels[:, None] == np.arange(outputs), 1.0, -1.0)
    return draw.uniform(-1, 1, (5, outputs)), targets


@pytest.mark.parametrize("loss", LOSSES, ids=repr)
@given(seed=st.integers(0, 10**6), outputs=st.integers(1, 4))
def test_the_slope_is_the_derivative_of_the_loss(loss: Loss, seed: int, outputs: int) -> None:
    values, targets = drawn(seed, outputs)
    slope = loss.slope(values, targets)
    for b, k in np.ndindex(values.shape):
        step = np.zeros_like(values)
        step[b, k] = 1e-5
        difference = loss(values + step, targets)[b] - loss(values - step, targets)[b]
        assert slope[b, k] == pytest.approx(difference / 2e-5, abs=1e-7)


@pytest.mark.parametrize("loss", LOSSES, ids=repr)
@pytest.mark.parametrize("outputs", [1, 3])
def test_the_loss_falls_where_outputs_speak_for_their_targets(loss: Loss, outputs: int) -> None:
    _, targets = drawn(1, outputs)
    losses = [loss(share * targets, targets).mean() for share in (-1, -0.5, 0, 0.5, 1)]
    assert losses == sorted(losses, reverse=True)
    np.testing.assert_allclose(CrossEntropyLoss()(0 * targets, targets), np.log(max(2, outputs)))


@pytest.mark.parametrize("outputs", [1, 3])
def test_extreme_estimates_make_no_overflow(outputs: int) -> None:
    _, targets = drawn(1, outputs)
    for scale in (-1e6, 1e6):
        assert np.isfinite(CrossEntropyLoss().slope(scale * targets, targets)).all()
        assert np.isfinite(CrossEntropyLoss()(scale * targets, targets)).all()


@pytest.mark.parametrize("shots", [8, 32])
def test_the_bias_of_sampled_cross_entropy_is_what_the_docstring_says(shots: int) -> None:
    z, loss = 0.4, CrossEntropyLoss(2.0)
    means = 2 * np.random.default_rng(1).binomial(shots, (1 + z) / 2, (400_000, 1)) / shots - 1
    drawn = loss.slope(means, np.ones_like(means))[:, 0]
    here, below, above = (loss.slope(np.array([[z + h]]), np.ones((1, 1)))[0, 0] for h in (0.0, -1e-3, 1e-3))
    bias, error = drawn.mean() - here, drawn.std() / np.sqrt(len(drawn))
    curvature = (above + below - 2 * here) / 1e-6
    assert abs(bias - curvature * (1 - z**2) / (2 * shots)) < 4 * error + 10 / shots**2
    assert abs(bias) > 4 * error
    squared = SquaredLoss().slope(means, np.ones_like(means))[:, 0]
    assert abs(squared.mean() - 2 * (z - 1)) < 4 * squared.std() / np.sqrt(len(squared))
