"""What a search may look for."""

from __future__ import annotations

import pytest

from ceas_ray.config.errors import SettingsError
from ceas_ray.runs.sweeps.objectives import Objectives


def test_accuracies_are_made_large_and_other_numbers_need_a_direction() -> None:
    assert Objectives.of("test_accuracy", None).directions == ("maximize",)
    both = Objectives.of(["test_accuracy", "bell_pairs.generated"], ["maximize", "minimize"])
    assert both.values({"test_accuracy": 0.5, "bell_pairs": {"generated": 7}}) == [0.5, 7.0]
    with pytest.raises(SettingsError, match=r"hydra\.sweeper\.direction must be maximize or minimize, once for each"):
        Objectives.of(["test_accuracy", "bell_pairs.generated"], None)


@pytest.mark.parametrize(
    ("objective", "direction", "message"),
    [
        ("test_acuracy", None, r"did you mean test_accuracy\?"),
        (["test_accuracy", "bell_pair.generated"], None, r"did you mean bell_pairs\.generated\?"),
        ("test_loss", "minimise", r"did you mean minimize\?"),
        ("test_loss", ["minimize", "maximize"], "once for each of test_loss"),
        (["test_loss", "test_loss"], "minimize", "different numbers"),
        ([], None, "one or several different numbers"),
    ],
)
def test_what_is_misspelt_is_refused_with_the_nearest_name(objective: object, direction: object, message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        Objectives.of(objective, direction)  # type: ignore[arg-type]


def test_a_run_without_the_number_has_no_value() -> None:
    for summary in ({}, {"validation_accuracy": None}, {"validation_accuracy": float("nan")}):
        with pytest.raises(ValueError, match="no number validation_accuracy"):
            Objectives.of("validation_accuracy", None).values(summary)
