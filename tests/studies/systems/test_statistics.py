"""What an arm of a whole system is tuned to, which conditions are its worst, and what weights gained in variance."""

from __future__ import annotations

from typing import Any

import pytest

from ceas_ray.studies.stages import best_choices, worst_conditions
from ceas_ray.studies.systems.statistics import condition_of, setting_of, variance_gain
from ceas_ray.studies.systems.system_runs import GradientSpread


def tuned(circuits: int, rate: float, *accuracies: float) -> list[dict[str, Any]]:
    return [
        {"arm": "a", "circuits": circuits, "learning_rate": rate, "validation_accuracy": x, "validation_chance": 0.5}
        for x in accuracies
    ]


def test_circuits_and_learning_rate_are_chosen_together_by_the_two_least_accuracies() -> None:
    results = [*tuned(128, 1.0, 0.99, 0.5, 0.6), *tuned(512, 1.0, 0.8, 0.7, 0.7), *tuned(512, 4.0, 0.9, 0.6, 0.7)]
    assert best_choices(results, ["a"], setting_of) == {"a": (512, 1.0)}


def selected(attack: str, strength: float, placement: str, accuracy: float) -> dict[str, Any]:
    return {
        "arm": "a", "attack": attack, "strength": strength, "placement": placement, "accuracy": accuracy, "chance": 0.5
    }  # fmt: skip


def test_an_attack_counts_once_a_placement_at_its_worst_strength() -> None:
    results = [
        selected("alie", 1.0, "random", 0.6), selected("alie", 4.0, "random", 0.55),
        selected("alie", 1.0, "best_links", 0.7), selected("mimic", 1.0, "random", 0.8),
    ]  # fmt: skip
    assert worst_conditions(results, ["a"], 2, condition_of) == {
        "a": [("alie", 4.0, "random"), ("alie", 1.0, "best_links")]
    }


def unharmed(seed: int, gain: float, cv: float) -> dict[str, Any]:
    of_run = {"arm": "a", "attack": "none", "strength": 0.0, "placement": "random", "seed": seed}
    return of_run | {"variance_gain": gain, "optimal_gain": 2.0, "contrast_cv": cv}


def test_a_gain_in_variance_is_held_against_the_bound_of_each_seed() -> None:
    found = variance_gain([unharmed(1, 1.10, 0.1), unharmed(2, 1.20, 0.2)], "a")
    assert found is not None
    assert found.gain == pytest.approx(1.15)
    assert found.bound == pytest.approx(1.025)
    assert found.excess == pytest.approx(0.125)
    assert found.low < found.excess < found.high


def test_equal_weights_gain_nothing_and_optimal_ones_the_most() -> None:
    variances = {0: 1.0, 1: 2.0, 2: 4.0}
    for weights, name in (([1.0, 1.0, 1.0], "equal"), ([1.0, 0.5, 0.25], "optimal")):
        spread = GradientSpread()
        spread.take(dict(enumerate(weights)), variances)
        figures = spread.figures()
        assert figures["optimal_gain"] == pytest.approx(7 / 3 * 1.75 / 3)
        assert figures["variance_gain"] == pytest.approx(1.0 if name == "equal" else figures["optimal_gain"])
