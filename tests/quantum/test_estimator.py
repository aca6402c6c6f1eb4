"""Estimators: unbiased, with the spread that shots give, whatever comes late."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ceas_ray.quantum.estimator import (
    UNSHIFTED,
    Circuits,
    TableSampler,
    doubly_stochastic_gradient,
    exact_gradient,
    full_shift_circuits,
    full_shift_gradient,
    inverse_channel_cost,
)
from ceas_ray.quantum.loss import CrossEntropyLoss, SquaredLoss
from tests.quantum.estimates import SQUARED, assert_unbiased, assert_variance, table


@pytest.mark.parametrize("usable_share", [1.0, 0.6])
@pytest.mark.parametrize("readout_error", [0.0, 0.1])
def test_doubly_stochastic_is_unbiased_whatever_comes_late(usable_share: float, readout_error: float) -> None:
    sampler, targets = table(readout_error)
    late = np.random.default_rng(2)
    estimates = [
        doubly_stochastic_gradient(
            sampler,
            targets,
            loss=SQUARED,
            usable=late.random(400) < usable_share,
            forward_circuits=100,
            contrast=1 - 2 * readout_error,
            generator=np.random.default_rng(seed),
        ).gradient
        for seed in range(4000)
    ]
    assert_unbiased(np.array(estimates), exact_gradient(sampler.values, sampler.first, targets, SQUARED))


SLOPES = {
    "the same for all samples": np.random.default_rng(7).normal(size=(1, 4, 3))
    * np.tile([[1, 0, 1], [0, 1, 1]], (2, 1)),
    "of each sample": np.random.default_rng(8).normal(size=(3, 4, 3)),
}
"""Of four angles by three parameters."""


@pytest.mark.parametrize("slopes", SLOPES.values(), ids=SLOPES)
@pytest.mark.parametrize("contrast", [1.0, np.array([0.8, 0.5])], ids=["one contrast", "each output its own"])
def test_parameters_that_several_angles_share_have_unbiased_gradients(slopes: Any, contrast: Any) -> None:
    ideal, targets = table()
    sampler = TableSampler(ideal.values, ideal.first, ideal.second, np.broadcast_to(contrast, 2))
    wanted = exact_gradient(ideal.values, ideal.first, targets, SQUARED, slopes=slopes)
    by_hand = np.einsum(
        "bk,bkr,brp->p", SQUARED.slope(ideal.values, targets), ideal.first, slopes + np.zeros((3, 1, 1))
    )
    np.testing.assert_allclose(wanted, by_hand / 3, rtol=0, atol=1e-14)
    late = np.random.default_rng(2)
    estimates = [
        doubly_stochastic_gradient(
            sampler, targets, loss=SQUARED, usable=late.random(400) < 0.8, forward_circuits=100, contrast=contrast,
            generator=np.random.default_rng(seed), slopes=slopes,
        )
        for seed in range(3000)
    ]  # fmt: skip
    assert_unbiased(np.array([estimate.gradient for estimate in estimates]), wanted)
    spread = np.var([estimate.gradient for estimate in estimates], axis=0, ddof=1).sum()
    said = np.mean([estimate.variance for estimate in estimates])
    assert 0.9 * spread < said < 1.05 * spread, "but for the forward shots, which it leaves out"


@pytest.mark.parametrize("slopes", SLOPES.values(), ids=SLOPES)
def test_a_full_shift_of_shared_angles_is_unbiased_and_states_its_variance(slopes: Any) -> None:
    ideal, targets = table()
    contrast = np.array([0.8, 0.5])
    sampler = TableSampler(ideal.values, ideal.first, ideal.second, contrast)
    everything = np.ones(6 * full_shift_circuits(*sampler.shape), bool)
    estimates = [
        full_shift_gradient(
            sampler, targets, loss=SQUARED, usable=everything, contrast=contrast, slopes=slopes,
            generator=np.random.default_rng(seed),
        )
        for seed in range(3000)
    ]  # fmt: skip
    gradients = np.array([estimate.gradient for estimate in estimates])
    assert_unbiased(gradients, exact_gradient(ideal.values, ideal.first, targets, SQUARED, slopes=slopes))
    said = np.mean([estimate.variance for estimate in estimates])
    assert np.var(gradients, axis=0, ddof=1).sum() == pytest.approx(said, rel=0.06)


def test_a_parameter_of_several_angles_is_known_where_all_of_them_are() -> None:
    ideal, targets = table()
    slopes = np.array([[[1.0, 0.0], [0.0, 1.0], [0.0, 1.0], [0.0, 0.0]]])
    generator = np.random.default_rng(0)
    order = generator.permutation(full_shift_circuits(*ideal.shape))
    usable = order % 9 != 3  # the angle with number 1, shifted up
    found = full_shift_gradient(
        ideal, targets, loss=SQUARED, usable=usable, contrast=1.0, generator=np.random.default_rng(0), slopes=slopes
    )
    assert found.gradient[0] != 0
    assert found.gradient[1] == 0


def test_full_shift_is_unbiased_with_the_spread_of_independent_shots() -> None:
    sampler, targets = table()
    shots, circuits = 20, full_shift_circuits(*sampler.shape)
    everything = np.ones(shots * circuits, bool)
    found = [
        full_shift_gradient(
            sampler, targets, loss=SQUARED, usable=everything, contrast=1.0, generator=np.random.default_rng(seed)
        )
        for seed in range(3000)
    ]
    estimates = np.array([estimate.gradient for estimate in found])
    assert_unbiased(estimates, exact_gradient(sampler.values, sampler.first, targets, SQUARED))
    assert_variance(found, 0.0)


def full_shifts(shots: int, usable_share: float, loss: Any, contrast: float, runs: int) -> Any:
    """Estimates, and how much more variance a setting with one shot may make them report than there is."""
    sampler, targets = table()
    sampler = TableSampler(sampler.values, sampler.first, sampler.second, np.full(2, contrast))
    count = shots * full_shift_circuits(*sampler.shape)
    late = np.random.default_rng(3)
    found = [
        full_shift_gradient(
            sampler,
            targets,
            loss=loss,
            usable=late.random(count) < usable_share,
            contrast=contrast,
            generator=np.random.default_rng([shots, run]),
        )
        for run in range(runs)
    ]
    slope = loss.slope(sampler.values, targets)
    return found, float(np.sum((slope[:, :, None] * sampler.first) ** 2)) / 9 / usable_share**3


def test_the_variance_of_a_full_shift_is_the_true_one_from_one_shot_a_setting_on() -> None:
    for shots in (1, 2):
        found, above = full_shifts(shots, 1.0, SQUARED, 1.0, 2000)
        assert_variance(found, 0.0, above if shots == 1 else 0.0)


@pytest.mark.slow
@pytest.mark.parametrize("shots", [1, 2, 3, 10, 50])
@pytest.mark.parametrize("usable_share", [1.0, 0.9])
@pytest.mark.parametrize(("loss", "contrast"), [(SQUARED, 1.0), (SQUARED, 0.6), (CrossEntropyLoss(2.0), 1.0)])
def test_the_variance_of_a_full_shift_is_never_too_small(
    shots: int, usable_share: float, loss: Any, contrast: float
) -> None:
    found, above = full_shifts(shots, usable_share, loss, contrast, 2000)
    jackknife = 0.0 if loss is SQUARED else 0.1 * np.mean([estimate.variance for estimate in found])
    assert_variance(found, 0.0, (above if shots == 1 or usable_share < 1 else 0.0) + jackknife)


@pytest.mark.parametrize(("loss", "usable_share", "circuits", "forward"), [
    (SQUARED, 1.0, 400, 96), (SQUARED, 0.5, 400, 96), (SQUARED, 1.0, 40, 6), (CrossEntropyLoss(2.0), 0.7, 200, 60),
])  # fmt: skip
def test_the_variance_of_a_doubly_stochastic_gradient_is_that_of_its_shifted_circuits(
    loss: Any, usable_share: float, circuits: int, forward: int
) -> None:
    """The variance, over forward outcomes, of the mean over shifted circuits is what is left out."""
    sampler, targets = table()
    late = np.random.default_rng(7)
    found, given_slopes = [], []
    for run in range(2000):
        spy, usable = _Spy(sampler), late.random(circuits) < usable_share
        generator = np.random.default_rng(run)
        found.append(
            doubly_stochastic_gradient(
                spy, targets, loss=loss, usable=usable, forward_circuits=forward, contrast=1.0, generator=generator
            )
        )
        given_slopes.append(_mean_over_shifts(spy, sampler, targets, loss, usable, forward, run))
    missing = float(np.array(given_slopes).var(axis=0, ddof=1).sum())
    assert missing > 0
    assert_variance(found, missing)


class _Spy:
    """Keeps what a sampler was asked first, the forward circuits, and what it answered."""

    def __init__(self, sampler: TableSampler) -> None:
        self.shape, self._sampler, self.asked = sampler.shape, sampler, []

    def __call__(self, circuits: Circuits, generator: np.random.Generator) -> Any:
        outcome = self._sampler(circuits, generator)
        self.asked.append((circuits, outcome))
        return outcome


def _mean_over_shifts(
    spy: _Spy, sampler: TableSampler, targets: Any, loss: Any, usable: Any, forward: int, run: int
) -> Any:
    """The mean of the gradient over shifted circuits and their outcomes, given the forward outcomes of a run."""
    circuits, outcome = spy.asked[0]
    kept = usable[np.random.default_rng(run).permutation(len(usable))[:forward]]
    shots = np.bincount(circuits.cell, weights=kept, minlength=6)
    mean = np.bincount(circuits.cell, weights=outcome * kept, minlength=6) / np.maximum(shots, 1)
    slope = loss.slope(mean.reshape(3, 2), targets).reshape(6)
    return 2 * np.mean((slope[:, None] * sampler.first.reshape(6, -1))[shots > 0], axis=0)


def test_full_shift_averages_over_what_is_known() -> None:
    sampler, targets = table()
    usable = np.zeros(full_shift_circuits(*sampler.shape), bool)
    nothing = full_shift_gradient(
        sampler, targets, loss=SQUARED, usable=usable, contrast=1.0, generator=np.random.default_rng(1)
    )
    assert np.array_equal(nothing.gradient, np.zeros(4))
    assert nothing.variance == np.inf


def test_draws_do_not_depend_on_what_is_usable() -> None:
    sampler, targets = table()
    for estimate in (
        lambda usable, generator: doubly_stochastic_gradient(
            sampler, targets, loss=SQUARED, usable=usable, forward_circuits=10, contrast=1.0, generator=generator
        ),
        lambda usable, generator: full_shift_gradient(
            sampler, targets, loss=SQUARED, usable=usable, contrast=1.0, generator=generator
        ),
    ):
        states = []
        for usable in (np.ones(60, bool), np.zeros(60, bool)):
            generator = np.random.default_rng(9)
            estimate(usable, generator)
            states.append(generator.random())
        assert states[0] == states[1]


def test_without_a_usable_shot_there_is_no_gradient() -> None:
    sampler, targets = table()
    nothing = doubly_stochastic_gradient(
        sampler,
        targets,
        loss=SQUARED,
        usable=np.zeros(20, bool),
        forward_circuits=5,
        contrast=1.0,
        generator=np.random.default_rng(1),
    )
    assert np.array_equal(nothing.gradient, np.zeros(4))
    assert nothing.variance == np.inf


def test_the_inverse_of_a_depolarizing_channel_costs_what_its_quasi_probabilities_sum_to() -> None:
    for werner in (0.5, 0.9, 1.0):
        identity, pauli = (1 + 3 / werner) / 4, (1 - 1 / werner) / 4
        assert identity + 3 * pauli == pytest.approx(1)
        assert identity - pauli == pytest.approx(1 / werner), "X keeps the sign of I and X, and changes that of Y and Z"
        assert inverse_channel_cost(werner) == pytest.approx(identity + 3 * abs(pauli))


@given(st.integers(0, 1000), st.integers(1, 4), st.sampled_from([SquaredLoss(), CrossEntropyLoss(2.0)]))
def test_slopes_are_derivatives(seed: int, outputs: int, loss: Any) -> None:
    draw = np.random.default_rng(seed)
    values, targets = draw.uniform(-1, 1, (3, outputs)), np.full((3, outputs), -1.0)
    targets[np.arange(3), draw.integers(0, outputs, 3)] = 1.0
    for k in range(outputs):
        step = 1e-6 * np.eye(outputs)[k]
        difference = (loss(values + step, targets) - loss(values - step, targets)) / 2e-6
        np.testing.assert_allclose(loss.slope(values, targets)[:, k], difference, atol=1e-7)


def test_a_table_draws_what_it_says() -> None:
    sampler, _ = table(0.1)
    many = np.full(40_000, 3)
    for parameter, sign in ((UNSHIFTED, 0.0), (2, 1.0), (2, -1.0)):
        outcomes = sampler(Circuits(many, np.full(40_000, parameter), np.full(40_000, sign)), np.random.default_rng(2))
        z = sampler.values[1, 1] + (parameter >= 0) * (sampler.second[1, 1, 2] + sign * sampler.first[1, 1, 2])
        assert outcomes.mean() == pytest.approx(0.8 * z, abs=4 / np.sqrt(40_000))
