"""Data sets: encoded, split, and refused where they cannot be."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ceas_ray.training.datasets import DataSet, Encoding, Samples, logistic_regression_accuracy, set_aside, split
from ceas_ray.training.shards import dirichlet_shards
from ceas_ray.training.sources import load_classes
from tests.training.data_sets import prepared


def test_digits_become_angles_targets_and_a_repeatable_split() -> None:
    data, again = (prepared(*load_classes("digits", (0, 1, 2, 3)), Encoding(4), seed=5) for _ in range(2))
    assert np.array_equal(data.train_angles, again.train_angles)
    assert data.outputs == 4
    assert np.abs(data.test_angles).max() <= np.pi / 2
    assert np.array_equal(np.argmax(data.train_targets, axis=1), data.train_labels)
    assert 0.2 < data.chance_accuracy < 0.3
    assert logistic_regression_accuracy(data) > 0.85


def numbered(classes: int, seed: int) -> Samples:
    """Samples whose one feature is their number; every class has two or more, by chance."""
    generator = np.random.default_rng(seed)
    labels = generator.permutation(np.repeat(np.arange(classes), generator.integers(2, 40, classes)))
    return Samples(np.arange(len(labels), dtype=float)[:, None], labels)


@settings(max_examples=100)
@given(classes=st.integers(2, 6), fraction=st.floats(0.001, 0.9), seed=st.integers(0, 1000))
def test_what_is_set_aside_and_what_stays_are_disjoint_together_complete_and_have_every_class_in_its_share(
    classes: int, fraction: float, seed: int
) -> None:
    training = numbered(classes, seed)
    train, validation = set_aside(training, fraction, np.random.default_rng(seed))
    numbers = np.concatenate([train.features, validation.features])[:, 0].astype(int)
    assert sorted(numbers.tolist()) == list(range(len(training.labels)))
    np.testing.assert_array_equal(np.concatenate([train.labels, validation.labels]), training.labels[numbers])
    assert np.all(np.diff(train.features[:, 0]) > 0), "what stays must keep its order"
    whole, aside = np.bincount(training.labels), np.bincount(validation.labels, minlength=classes)
    assert np.all(np.abs(aside - fraction * whole) < 1)
    assert np.all((aside >= 1) & (aside < whole))


@settings(max_examples=50)
@given(classes=st.integers(2, 6), fraction=st.floats(0.001, 0.9), seed=st.integers(0, 1000))
def test_the_same_stream_sets_the_same_samples_aside_and_another_one_others(
    classes: int, fraction: float, seed: int
) -> None:
    training = numbered(classes, seed)
    one, again = (set_aside(training, fraction, np.random.default_rng(7)) for _ in range(2))
    for part, same in zip(one, again, strict=True):
        np.testing.assert_array_equal(part.features, same.features)
    large = Samples(np.arange(400.0)[:, None], np.arange(400) % 2)
    drawn = [set_aside(large, 0.5, np.random.default_rng(key))[1].features for key in (7, 8)]
    assert np.any(drawn[0] != drawn[1])


@settings(max_examples=20, deadline=None)
@given(fraction=st.floats(0.001, 0.9), seed=st.integers(0, 1000))
def test_a_validation_set_takes_from_training_alone_and_nothing_else_changes(fraction: float, seed: int) -> None:
    features, labels = np.random.default_rng(seed).normal(size=(90, 3)), np.arange(90) % 3
    encoding = Encoding(3, (0, 1, 2))
    without, with_one = (prepared(features, labels, encoding, 0.3, share, seed) for share in (0.0, fraction))
    np.testing.assert_array_equal(with_one.test_labels, without.test_labels)
    assert not without.has_validation
    assert without.validation_chance is None
    assert with_one.has_validation
    assert with_one.validation_targets.shape == (len(with_one.validation_labels), 3)
    assert len(with_one.train_labels) + len(with_one.validation_labels) == len(without.train_labels)
    most = np.abs(with_one.train_angles).max(axis=0)
    np.testing.assert_allclose(most, np.pi / 2, err_msg="ranges are fitted on what stays for training")


def test_a_class_with_one_sample_cannot_be_both_for_training_and_for_validation() -> None:
    lonely = Samples(np.zeros((5, 1)), np.array([0, 0, 0, 0, 1]))
    with pytest.raises(ValueError, match="training and validation must hold every class, got one sample of class 1"):
        set_aside(lonely, 0.2, np.random.default_rng(1))
    train, validation = set_aside(lonely, 0.0, np.random.default_rng(1))
    assert len(train.labels) == 5
    assert len(validation.labels) == 0


def encoded(features: np.ndarray, encoding: Encoding) -> DataSet:
    return prepared(features, np.arange(len(features)) % 2, encoding, test_fraction=0.25, seed=3)


def test_chosen_features_keep_their_order_and_fill_the_range() -> None:
    features = np.random.default_rng(1).normal(size=(80, 5)) * [1, 10, 100, 1000, 1e4]
    data = encoded(features, Encoding(2, (3, 1), angle_range=0.25))
    least, most = data.train_angles.min(axis=0), data.train_angles.max(axis=0)
    np.testing.assert_allclose([least, most], np.outer([-1, 1], [np.pi / 4] * 2))
    assert np.abs(data.test_angles).max() <= np.pi / 4
    every = encoded(features, Encoding(5, (0, 1, 2, 3, 4), angle_range=0.25)).train_angles
    np.testing.assert_array_equal(data.train_angles, every[:, [3, 1]])


def test_few_features_are_repeated_over_the_qubits_only_if_asked() -> None:
    features = np.random.default_rng(1).normal(size=(40, 2))
    angles = encoded(features, Encoding(5, repeat_features=True)).train_angles
    np.testing.assert_array_equal(angles, angles[:, [0, 1, 0, 1, 0]])
    with pytest.raises(ValueError, match=r"5 qubits need as many principal components above rounding, got 2"):
        encoded(features, Encoding(5))


def test_standardized_components_do_not_depend_on_units() -> None:
    features, units = np.random.default_rng(1).normal(size=(40, 4)), np.array([1.0, 1e3, 1e-3, 7.0])
    one, other = (encoded(x, Encoding(2, standardize=True)).train_angles for x in (features, features * units))
    np.testing.assert_allclose(one, other, atol=1e-9)
    raw = encoded(features * units, Encoding(2)).train_angles
    assert np.abs(raw - one).max() > 0.1


@pytest.mark.parametrize(("features", "message"), [
    ((0, 4), "features 0 to 3, got"), ((0, 0), "encode 1 to 3 different features"), ((), "1 to 3 different features"),
    ((0, 1, 2, 3), "1 to 3 different features"), ((0, 1), "3 qubits need as many features, got 2"),
])  # fmt: skip
def test_features_that_cannot_be_taken_are_refused(features: tuple[int, ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        encoded(np.random.default_rng(1).normal(size=(40, 4)), Encoding(3, features))


@pytest.mark.parametrize("scale", [1e-14, 1.0, 1e9])
@pytest.mark.parametrize("standardize", [False, True])
def test_directions_that_only_rounding_makes_are_no_features(scale: float, standardize: bool) -> None:
    """Four features that are multiples of two, in any units and far from zero, have two directions."""
    two = np.random.default_rng(1).normal(size=(60, 2)) + 3
    features = scale * np.hstack([two, two @ [[0.1, -3.0], [7.3, 0.2]]])
    with pytest.raises(ValueError, match=r"4 qubits need as many principal components above rounding, got 2"):
        encoded(features, Encoding(4, standardize=standardize))
    angles = encoded(features, Encoding(2, standardize=standardize)).train_angles
    np.testing.assert_allclose([angles.min(axis=0), angles.max(axis=0)], np.outer([-1, 1], [np.pi / 2] * 2))
    repeated = encoded(features, Encoding(4, standardize=standardize, repeat_features=True)).train_angles
    np.testing.assert_array_equal(repeated, angles[:, [0, 1, 0, 1]])


def test_small_but_real_directions_are_kept() -> None:
    features = np.random.default_rng(1).normal(size=(60, 3)) * [1e6, 1.0, 1e-6]
    assert encoded(features, Encoding(3)).train_angles.shape[1] == 3


def test_features_that_do_not_vary_are_refused() -> None:
    features = np.random.default_rng(1).normal(size=(60, 3))
    features[:, 1] = 0.1
    with pytest.raises(ValueError, match="features must vary over the training data, feature 1 does not"):
        encoded(features, Encoding(2, (0, 1)))
    for repeat in (False, True):
        with pytest.raises(ValueError, match=r"2 qubits need as many principal components above rounding, got 0"):
            encoded(np.full((60, 3), 0.1), Encoding(2, repeat_features=repeat))


def test_a_test_that_cannot_hold_every_class_is_refused() -> None:
    features, labels = np.random.default_rng(1).normal(size=(12, 3)), np.arange(12) // 2
    for fraction in (0.3, 0.8):
        with pytest.raises(ValueError, match="training and test must hold every one of 6 classes"):
            split(features, labels, fraction, seed=1)
    assert len(split(features, labels, 0.5, seed=1)[0].labels) == 6


def test_too_few_samples_are_refused() -> None:
    with pytest.raises(ValueError, match="processors need 2 training samples each"):
        dirichlet_shards(np.zeros(9, int), 5, concentration=1.0, min_samples=2, generator=np.random.default_rng(1))
