"""The models reach the accuracies of an independent implementation."""

from __future__ import annotations

import pytest

from ceas_ray.app.bench_accuracy import REFERENCE, accuracies
from ceas_ray.config.errors import SettingsError


@pytest.mark.slow
@pytest.mark.parametrize("name", REFERENCE)
def test_reuploaded_inputs_reach_the_reference_within_two_points(name: str) -> None:
    reached = accuracies(name)
    assert reached["accuracy_percent"] >= reached["reference_percent"] - 2
    assert len(reached["of_each_split"]) == 3
    assert 80 < reached["logistic_regression_percent"] <= 100


def test_an_override_that_cannot_be_is_refused_by_its_key() -> None:
    with pytest.raises(SettingsError, match=r"training.layers must be a number in \[1, 16\], got 0"):
        accuracies("moons", ["training.layers=0"])
