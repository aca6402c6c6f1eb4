"""How the experiment on rules selects rates and attacks, and what gain it finds, on accuracies that are known."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ceas_ray.studies.rules.statistics import accuracies, attack_of, rate_of, rule_gain, worst_case
from ceas_ray.studies.stages import best_choices, results_under, worst_conditions


def result(arm: str, attack: str, strength: float, seed: int, accuracy: float, **more: Any) -> dict[str, Any]:
    return {
        "arm": arm,
        "attack": attack,
        "strength": strength,
        "seed": seed,
        "accuracy": accuracy,
        "chance": 0.5,
    } | more


def tuned(arm: str, rate: float, *reached: float) -> list[dict[str, Any]]:
    return [
        result(arm, f"attack {k}", 1.0, 1, 0.9, learning_rate=rate, validation_accuracy=value, validation_chance=0.5)
        for k, value in enumerate(reached)
    ]


def test_a_learning_rate_is_chosen_by_the_two_least_validation_accuracies_alone() -> None:
    results = [*tuned("a", 0.5, 0.7, 0.7, 0.7), *tuned("a", 1.0, 0.69, 0.72, 0.99), *tuned("a", 2.0, 0.2, 0.8, 1.0)]
    assert best_choices(results, ["a"], rate_of) == {"a": 1.0}, "0.705 against 0.7 and, with chance for 0.2, 0.65"


def test_of_equally_good_learning_rates_the_lower_one_is_chosen() -> None:
    assert best_choices([*tuned("a", 2.0, 0.7, 0.7), *tuned("a", 1.0, 0.7, 0.7)], ["a"], rate_of) == {"a": 1.0}


def test_each_arm_has_its_own_worst_attacks_each_at_its_worst_strength() -> None:
    cells = {("x", 1.0): (0.9, 0.7), ("x", 4.0): (0.6, 0.7), ("y", 1.0): (0.8, 0.6), ("z", 1.0): (0.7, 0.9)}
    results = [
        result(arm, attack, strength, 1, reached[k])
        for (attack, strength), reached in cells.items()
        for k, arm in enumerate(("a", "b"))
    ]
    chosen = worst_conditions(results, ["a", "b"], 2, attack_of)
    assert chosen == {"a": [("x", 4.0), ("z", 1.0)], "b": [("y", 1.0), ("x", 1.0)]}
    assert [(r["arm"], r["attack"], r["strength"]) for r in results_under(results, chosen, attack_of)] == [
        ("b", "x", 1.0), ("a", "x", 4.0), ("b", "y", 1.0), ("a", "z", 1.0)
    ]  # fmt: skip


ATTACKS = {"ours": [("x", 1.0), ("y", 1.0)], "base": [("y", 1.0), ("z", 2.0)], "other": [("z", 2.0), ("x", 1.0)]}
TRUE = {"ours": (0.8, 0.78), "base": (0.6, 0.7), "other": (0.75, 0.72)}


def found(seeds: range, noise: float = 0.0) -> list[dict[str, Any]]:
    draw = {seed: noise * np.random.default_rng(seed).normal() for seed in seeds}
    return [
        result(arm, *attack, seed, TRUE[arm][k] + draw[seed])
        for arm, attacks in ATTACKS.items()
        for k, attack in enumerate(attacks)
        for seed in seeds
    ]


def test_a_gain_is_of_worst_cases_on_evaluation_seeds_whatever_was_selected() -> None:
    table = accuracies(found(range(1, 3)), found(range(1001, 1009), noise=0.02), ATTACKS)
    generator = np.random.default_rng(1)
    shift = table.evaluated["ours"].mean(axis=(1, 2)) - np.array(TRUE["ours"])
    assert worst_case(table, "ours") == (1, pytest.approx(0.78 + shift[1]))
    over_base = rule_gain(table, "ours", ["base"], generator)
    assert over_base.estimate == pytest.approx(0.18)
    assert (over_base.low, over_base.high) == (pytest.approx(0.18), pytest.approx(0.18)), "noise is shared by all arms"
    assert over_base.p == pytest.approx(1 / 2**8)
    best = rule_gain(table, "ours", ["base", "other"], generator)
    assert (best.over, best.estimate) == ("other", pytest.approx(0.06))


def test_an_attack_that_selection_took_for_the_worst_and_is_not_widens_the_interval_alone() -> None:
    misled = [r | {"accuracy": 1.5 - r["accuracy"]} for r in found(range(1, 3))]
    table = accuracies(misled, found(range(1001, 1009)), ATTACKS)
    gain = rule_gain(table, "ours", ["base"], np.random.default_rng(1))
    assert gain.estimate == pytest.approx(0.18)
    assert gain.low == pytest.approx(0.78 - 0.7)
    assert gain.high == pytest.approx(0.8 - 0.6)
