"""Data and shards from settings, and one clear line for what cannot be."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ceas_ray.config.errors import SettingsError
from ceas_ray.config.schema import DataSettings, TrainingSettings
from ceas_ray.config.validation import build
from ceas_ray.world.data import dealt_shards, load_data
from ceas_ray.world.inputs import RunInputs
from tests.composed_settings import composed_once

SETS = {"digits_38": 1, "digits_0123": 4, "iris": 3, "wine": 3, "breast_cancer": 1, "moons": 1, "circles": 1,
        "spin_chain": 1}  # fmt: skip
"""The data sets of conf/training and their outputs."""


@cache
def training_of(choice: str) -> TrainingSettings:
    return build(TrainingSettings, composed_once([f"training={choice}"])["training"])


def data_of(**changes: Any) -> DataSettings:
    return training_of("digits_38").data.model_copy(update=changes)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "outputs"), SETS.items())
def test_every_set_loads_by_its_seed_and_fills_its_qubits(name: str, outputs: int) -> None:
    training = training_of(name)
    data, again, other = (
        load_data(training.data, training.qubits, seed=seed, inputs=RunInputs({})) for seed in (1, 1, 2)
    )
    assert np.array_equal(data.train_angles, again.train_angles)
    assert np.array_equal(data.test_labels, again.test_labels)
    assert data.train_angles.shape != other.train_angles.shape or np.any(data.train_angles != other.train_angles)
    assert data.train_angles.shape[1] == training.qubits
    assert data.outputs == outputs <= training.qubits
    most = training.data.angle_range * np.pi
    np.testing.assert_allclose(np.abs(data.train_angles).max(axis=0), most)
    assert set(np.unique(data.train_targets)) == {-1.0, 1.0}
    total = len(data.train_labels) + len(data.test_labels)
    assert len(data.test_labels) == pytest.approx(0.3 * total, abs=1)


@pytest.mark.slow
@pytest.mark.parametrize("name", SETS)
def test_every_set_has_a_validation_set_if_asked_and_keeps_its_test_set(name: str) -> None:
    training = training_of(name)
    choice = training.data.model_copy(update={"validation_fraction": 0.25})
    without = load_data(training.data, training.qubits, seed=1, inputs=RunInputs({}))
    data, again, other = (load_data(choice, training.qubits, seed=seed, inputs=RunInputs({})) for seed in (1, 1, 2))
    assert not without.has_validation
    np.testing.assert_array_equal(data.test_labels, without.test_labels)
    np.testing.assert_array_equal(data.validation_angles, again.validation_angles)
    assert data.validation_angles.shape != other.validation_angles.shape or np.any(
        data.validation_angles != other.validation_angles
    )
    assert len(data.train_labels) + len(data.validation_labels) == len(without.train_labels)
    assert len(data.validation_labels) == pytest.approx(0.25 * len(without.train_labels), abs=data.outputs)


@pytest.mark.parametrize("choice", ["dirichlet", "iid", "label"])
def test_shards_are_a_partition_and_by_label_hold_few(choice: str) -> None:
    labels = np.arange(120) % 4
    settings = data_of(shards=choice, labels_per_shard=2)
    shards = dealt_shards(settings, labels, 10, np.random.default_rng(1), inputs=RunInputs({}))
    assert sorted(np.concatenate(shards).tolist()) == list(range(120))
    if choice == "label":
        assert [len(np.unique(labels[shard])) for shard in shards] == [2] * 10


@pytest.mark.parametrize(("changes", "qubits", "message"), [
    ({"name": "file"}, 4, "training.data.file must be given for training.data.name=file, got null"),
    ({"name": "file", "file": "/nowhere.npz"}, 4, "training.data.file must be an existing file, got '/nowhere.npz'"),
    ({"file": "mine.csv"}, 4, "training.data.file must be null for training.data.name=digits (or name: file)"),
    ({"name": "iris", "classes": (), "test_fraction": 0.9, "shards": "iid"}, 5, "training.qubits: "),
    ({"classes": (1,)}, 4, "training.data.classes: digits needs at least two different classes of 0 to 9"),
    ({"name": "iris", "classes": (0, 3)}, 4, "iris needs at least two different classes of 0 to 2, got [0, 3]"),
    (
        {"name": "moons", "repeat_features": False}, 4,
        "training.qubits: 4 qubits need as many principal components above rounding, got 2",
    ),
    ({"features": (3, 64)}, 2, "training.data.features: the data have features 0 to 63, got [3, 64]"),
    ({"features": (3, 4, 5)}, 2, "training.data.features: 2 qubits encode 1 to 2 different features, got"),
])  # fmt: skip
def test_data_that_cannot_be_are_refused_in_one_line(changes: dict[str, Any], qubits: int, message: str) -> None:
    with pytest.raises(SettingsError) as refused:
        load_data(data_of(**changes), qubits, seed=1, inputs=RunInputs({}))
    assert message in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_class_with_one_sample_is_refused_by_the_files_name(tmp_path: Path) -> None:
    np.savez(tmp_path / "d.npz", x=np.random.default_rng(1).normal(size=(5, 4)), y=[0, 0, 0, 0, 1])
    with pytest.raises(SettingsError, match=r"data.file: .*d.npz: at least two classes .*4 of 0, 1 of 1 in y"):
        load_data(data_of(name="file", file=str(tmp_path / "d.npz")), 4, seed=1, inputs=RunInputs({}))


def test_shards_that_cannot_be_are_refused_in_one_line() -> None:
    labels = np.arange(12) % 4
    for changes, count, message in (
        ({"shards": "label"}, 3, "shards must hold all 4 labels"),
        ({"shards": "label"}, 20, "5 processors need a sample of label . each, got 3"),
        ({"shards": "iid"}, 13, "every one of 13 processors needs a training sample, got 12"),
    ):  # fmt: skip
        with pytest.raises(SettingsError, match=f"processors.count: .*{message}"):
            dealt_shards(data_of(**changes), labels, count, np.random.default_rng(1), inputs=RunInputs({}))


@pytest.mark.parametrize(("features", "message"), [
    ("pcaa", "training.data.features must be pca or a list of features, by their numbers, got 'pcaa'"),
    ([0, "x"], "training.data.features must be pca or a list of features, by their numbers, got [0, 'x']"),
    (None, "training.data.features must be pca or a list of features, by their numbers, got null"),
])  # fmt: skip
def test_features_are_pca_or_a_list(features: Any, message: str) -> None:
    config = composed_once([])["training"]["data"]
    with pytest.raises(SettingsError) as refused:
        build(DataSettings, config | {"features": features}, "training.data")
    assert str(refused.value) == message
    assert build(DataSettings, config | {"features": [2, 0]}).features == (2, 0)
