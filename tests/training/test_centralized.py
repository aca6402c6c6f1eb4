"""Training in one process, without noise."""

from __future__ import annotations

import numpy as np
import pytest

from ceas_ray.quantum.circuit import Circuit
from ceas_ray.quantum.loss import CrossEntropyLoss, SquaredLoss
from ceas_ray.training.centralized import (
    Adam,
    CentralizedTraining,
    Momentum,
    Optimizer,
    accuracy_on_test,
)
from ceas_ray.training.datasets import DataSet, Encoding
from ceas_ray.training.learning_rate import LearningRate
from ceas_ray.training.metrics import model_outputs
from ceas_ray.training.sources import draw_shape, load_classes
from tests.quantum.state_vectors import expectations
from tests.training.data_sets import prepared

RATE = LearningRate(0.2, 0.02, "cosine", 40)


def data_of(outputs: int) -> DataSet:
    if outputs == 1:
        return prepared(*draw_shape("moons", 60, 0.15, 1), Encoding(3, repeat_features=True), seed=1)
    return prepared(*load_classes("iris", ()), Encoding(3, standardize=True), seed=1)


@pytest.mark.parametrize("loss", [SquaredLoss(), CrossEntropyLoss()], ids=repr)
@pytest.mark.parametrize("outputs", [1, 3])
def test_the_gradient_is_the_derivative_of_the_mean_loss(loss: SquaredLoss | CrossEntropyLoss, outputs: int) -> None:
    circuit, data = Circuit(3, 2, outputs, entangler="cx", reuploaded=True), data_of(outputs)
    angles, targets = data.train_angles[:6], data.train_targets[:6]
    parameters = np.random.default_rng(1).uniform(-2, 2, circuit.parameter_count)
    np.testing.assert_allclose(
        model_outputs(circuit, parameters, angles), expectations(circuit, angles, parameters), atol=1e-12
    )
    gradient = CentralizedTraining(circuit, loss, Momentum(0.9), RATE).gradient(parameters, angles, targets)
    for i, step in enumerate(1e-5 * np.eye(len(parameters))):
        above, below = (loss(expectations(circuit, angles, parameters + s * step), targets).mean() for s in (1, -1))
        assert gradient[i] == pytest.approx((above - below) / 2e-5, abs=1e-7)


@pytest.mark.parametrize("optimizer", [Momentum(0.0), Momentum(0.9), Adam()], ids=repr)
@pytest.mark.parametrize("batch", [None, 16])
def test_training_lowers_the_loss_and_repeats_itself(optimizer: Optimizer, batch: int | None) -> None:
    circuit, data, loss = Circuit(3, 2, 1, entangler="cx", reuploaded=True), data_of(1), SquaredLoss()
    initial = np.random.default_rng(1).uniform(-0.5, 0.5, circuit.parameter_count)
    before = initial.copy()
    train = CentralizedTraining(circuit, loss, optimizer, RATE, batch)
    one, again = (train(data, initial, np.random.default_rng(3)) for _ in range(2))
    assert np.array_equal(one, again)
    assert np.array_equal(initial, before)
    lost = [loss(model_outputs(circuit, p, data.train_angles), data.train_targets).mean() for p in (initial, one)]
    assert lost[1] < 0.8 * lost[0]


def test_a_batch_of_all_samples_is_what_no_batch_is() -> None:
    circuit, data = Circuit(3, 1, 1), data_of(1)
    initial = np.full(circuit.parameter_count, 0.1)
    whole, batches = (
        CentralizedTraining(circuit, SquaredLoss(), Momentum(0.5), RATE, batch)(
            data, initial, np.random.default_rng(1)
        ) for batch in (None, 10**6)
    )  # fmt: skip
    np.testing.assert_allclose(whole, batches, atol=1e-10)


def test_momentum_and_adam_are_their_formulas() -> None:
    gradients = np.random.default_rng(1).normal(size=(5, 3))
    heavy, adam = Momentum(0.8).directions(3), Adam(0.8, 0.9).directions(3)
    for t in range(1, 6):
        seen = gradients[:t]
        by_age = np.arange(t)[::-1, None]
        mean, square = np.sum(0.2 * 0.8**by_age * seen, axis=0), np.sum(0.1 * 0.9**by_age * seen**2, axis=0)
        np.testing.assert_allclose(heavy(gradients[t - 1]), mean, atol=1e-14)
        expected = mean / (1 - 0.8**t) / (np.sqrt(square / (1 - 0.9**t)) + 1e-8)
        np.testing.assert_allclose(adam(gradients[t - 1]), expected, atol=1e-12)


def test_accuracy_is_the_share_of_right_answers() -> None:
    """RY RZ of zero on qubit 0 and no input: z = 1, so class 0 is always the answer."""
    data = DataSet(
        train_angles=np.zeros((1, 2)), train_targets=np.ones((1, 1)), train_labels=np.zeros(1, int),
        validation_angles=np.zeros((0, 2)), validation_targets=np.ones((0, 1)), validation_labels=np.zeros(0),
        test_angles=np.zeros((4, 2)), test_targets=np.ones((4, 1)), test_labels=np.array([0, 1, 0, 0]),
    )  # fmt: skip
    assert accuracy_on_test(Circuit(2, 1, 1), np.zeros(4), data) == 0.75
