"""The doubly stochastic estimator."""

from __future__ import annotations

import numpy as np
import pytest

from ceas_ray.quantum.estimator import doubly_stochastic_gradient, exact_gradient


@pytest.mark.parametrize("usable_share", [1.0, 0.6])
@pytest.mark.parametrize("readout_error", [0.0, 0.1])
def test_it_is_unbiased_whatever_comes_late(usable_share: float, readout_error: float) -> None:
    draw = np.random.default_rng(1)
    values, first = draw.uniform(-0.5, 0.5, (3, 2)), draw.uniform(-0.3, 0.3, (3, 2, 4))
    second, targets = -values[:, :, None] * draw.uniform(0, 1, (3, 2, 4)), draw.choice([-1.0, 1.0], (3, 2))
    visible = 1 - 2 * readout_error
    estimates = np.array(
        [
            doubly_stochastic_gradient(
                values, first, second, targets, readout_error, draw.random(400) < usable_share, 100, visible,
                np.random.default_rng(seed),
            )
            for seed in range(4000)
        ]
    )  # fmt: skip
    error = estimates.std(axis=0, ddof=1) / np.sqrt(len(estimates))
    assert np.all(np.abs(estimates.mean(axis=0) - exact_gradient(values, first, targets)) < 4 * error)


def test_draws_do_not_depend_on_what_is_usable() -> None:
    draw = np.random.default_rng(2)
    values, first, targets = np.zeros((2, 1)), draw.uniform(-1, 1, (2, 1, 3)), np.ones((2, 1))
    states = []
    for usable in (np.ones(50, bool), np.zeros(50, bool)):
        generator = np.random.default_rng(9)
        doubly_stochastic_gradient(values, first, first * 0, targets, 0.0, usable, 10, 1.0, generator)
        states.append(generator.random())
    assert states[0] == states[1]


def test_without_a_usable_shot_there_is_no_gradient() -> None:
    nothing = doubly_stochastic_gradient(
        np.zeros((1, 1)), np.ones((1, 1, 2)), np.zeros((1, 1, 2)), np.ones((1, 1)), 0.0, np.zeros(20, bool), 5, 1.0,
        np.random.default_rng(1),
    )  # fmt: skip
    assert np.array_equal(nothing, np.zeros(2))
