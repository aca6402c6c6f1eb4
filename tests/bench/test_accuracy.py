"""How accurate the models can be: chosen on validation sets, reported on test sets."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from ceas_ray.bench import accuracy as bench_accuracy
from ceas_ray.bench.accuracy import DATA_SETS, accuracies
from ceas_ray.config.errors import SettingsError
from ceas_ray.training.datasets import DataSet
from ceas_ray.world.data import load_data


@pytest.mark.slow
@pytest.mark.parametrize("name", DATA_SETS)
def test_a_trained_model_is_much_better_than_chance_and_stands_beside_logistic_regression(name: str) -> None:
    reached = accuracies(name)
    assert len(reached["splits"]) == 3
    chance = {"digits_0123": 26, "digits_38": 51, "wine": 40, "breast_cancer": 63, "moons": 50}[name]
    assert reached["accuracy_percent"] > chance + 20
    assert chance + 20 < reached["logistic_regression_percent"] <= 100


@pytest.mark.slow
def test_what_is_chosen_depends_on_validation_sets_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the labels of the test set turned round, choices stay and test accuracies turn round."""
    monkeypatch.setattr(bench_accuracy, "STEPS", 10)
    small = ["training.data.samples=80", "training.layers=1"]
    first = accuracies("moons", small)

    def turned(*arguments: Any, **keywords: Any) -> DataSet:
        data = load_data(*arguments, **keywords)
        return replace(data, test_labels=1 - data.test_labels)

    monkeypatch.setattr(bench_accuracy, "load_data", turned)
    second = accuracies("moons", small)
    kept = ("validation_percent", "angle_range", "learning_rate")
    assert [[split[name] for name in kept] for split in first["splits"]] == [
        [split[name] for name in kept] for split in second["splits"]
    ]
    for one, other in zip(first["splits"], second["splits"], strict=True):
        assert one["test_percent"] + other["test_percent"] == pytest.approx(100, abs=0.11)


@pytest.mark.slow
def test_every_data_set_has_the_same_candidates() -> None:
    chosen = {
        name: [
            (training.data.angle_range, training.learning_rate, training.layers)
            for training in bench_accuracy._candidates(name, (), 1)
        ]
        for name in DATA_SETS
    }
    assert len(set(map(tuple, chosen.values()))) == 1
    fixed = bench_accuracy._candidates("wine", ["training.data.angle_range=0.4"], 1)
    assert [training.data.angle_range for training in fixed] == [0.4, 0.4]
    assert len(np.unique([training.learning_rate for training in fixed])) == 2


@pytest.mark.parametrize(("word", "message"), [
    ("training.layers=0", r"training.layers must be an integer in \[1, 16\], got 0"),
    ("training.data.validation_fraction=0", "training.data.validation_fraction must be above 0"),
    ("training.data.validation_fraction=0.95", "training.data.validation_fraction must be .*0.9"),
])  # fmt: skip
def test_an_override_that_cannot_be_is_refused_by_its_key(word: str, message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        accuracies("moons", [word])
