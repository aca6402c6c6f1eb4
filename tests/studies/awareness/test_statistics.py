"""How the experiment on awareness tunes arms, chooses opponents and compares what they need, on known figures."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ceas_ray.studies.awareness.design import Plan, read_design
from ceas_ray.studies.awareness.report import findings
from ceas_ray.studies.awareness.statistics import (
    accuracy_at,
    chosen_settings,
    judged_arms,
    needed,
    ratio,
    tables,
    worst_need,
)
from tests.composed_settings import composed_once

ARMS = ("mdp_precision", "just_in_time", "on_demand", "base_stock")
NEEDS = {"mdp_precision": (1e5, 1.2e5), "just_in_time": (2e5, 1e5), "on_demand": (8e5, 4e5), "base_stock": (5e5, 5e5)}


def plan() -> Plan:
    design, form = read_design(composed_once(["experiment=awareness"])["study"]["design"], "one_shot")
    return Plan(design, form.model_copy(update={"arms": ARMS}), ())


def result(arm: str, attack: str, seed: int, pairs: float, **more: Any) -> dict[str, Any]:
    return {
        "arm": arm, "attack": attack, "strength": 1.0, "seed": seed, "pairs": pairs, "all_pairs": 10 * pairs,
        "simulated_seconds": pairs / 1000, "circuits": 128, "learning_rate": 2.0, "reached": True, "rounds": 9,
        "curve": "100:0.5 200:0.7", "chance": 0.5,
    } | more  # fmt: skip


def selected() -> list[dict[str, Any]]:
    worse = [result(arm, "optimising", 1, 3 * NEEDS[arm][0], circuits=256) for arm in ARMS]
    return [*worse, *(result(arm, "optimising", 1, NEEDS[arm][0]) for arm in ARMS)]


def evaluated(noise: float = 0.0) -> list[dict[str, Any]]:
    draw = {seed: np.exp(noise * np.random.default_rng(seed).normal()) for seed in range(1025, 1030)}
    return [
        result(arm, attack, seed, NEEDS[arm][k] * shared)
        for arm in ARMS
        for k, attack in enumerate(("optimising", "label_flip"))
        for seed, shared in draw.items()
    ]


def test_each_arm_takes_the_circuits_with_which_it_needs_the_fewest_pairs() -> None:
    of_base_stock = [result("base_stock", "optimising", 1, pairs, circuits=c) for c, pairs in ((128, 9e5), (256, 5e5))]
    others = [r for r in selected() if r["arm"] != "base_stock"]
    chosen = chosen_settings(plan(), [*others, *of_base_stock])
    assert chosen == dict.fromkeys(ARMS, (128, 2.0)) | {"base_stock": (256, 2.0)}


def test_a_run_that_never_gets_there_needs_no_less_than_the_budget_of_pairs() -> None:
    few, many = (result("a", "x", 1, pairs, reached=False) for pairs in (5e4, 3e6))
    assert (needed(few, "pairs", 2_000_000), needed(many, "pairs", 2_000_000)) == (2e6, 3e6)
    assert needed(few, "simulated_seconds", 2_000_000) == 50.0


def test_schedulers_that_know_the_timetable_are_judged_and_the_best_of_those_that_do_not() -> None:
    settings = dict.fromkeys(ARMS, (128, 2.0))
    assert judged_arms(plan(), selected(), settings) == ["mdp_precision", "just_in_time", "base_stock", "on_demand"]


def test_a_ratio_is_of_worst_cases_whichever_attack_is_the_worst_of_an_arm() -> None:
    settings, draw = dict.fromkeys(ARMS, (128, 2.0)), np.random.default_rng(1)
    found = tables(plan(), selected(), evaluated(noise=0.4), settings=settings, measure="pairs")
    shift = np.exp(np.mean([0.4 * np.random.default_rng(seed).normal() for seed in range(1025, 1030)]))
    assert worst_need(found, "mdp_precision") == (1, pytest.approx(1.2e5 * shift))
    whole = ratio(found, "mdp_precision", ["on_demand", "base_stock"], measure="pairs", generator=draw)
    assert (whole.over, whole.ratio) == ("base_stock", pytest.approx(5 / 1.2))
    assert (whole.low, whole.high) == (pytest.approx(5 / 1.2), pytest.approx(5)), "noise is shared by all arms"
    knowing = ratio(found, "mdp_precision", ["just_in_time"], measure="pairs", generator=draw)
    assert (knowing.low, knowing.ratio) == (pytest.approx(2 / 1.2), pytest.approx(2 / 1.2))


def cheaper(times: float) -> list[dict[str, Any]]:
    """Return the evaluated runs, those of schedulers without the timetable with this many times the pairs."""
    others = ("on_demand", "base_stock")
    return [r | {"pairs": r["pairs"] * (times if r["arm"] in others else 1.0)} for r in evaluated()]


@pytest.mark.parametrize(("times", "verdict"), [(1.0, "confirmed"), (0.45, "undecided"), (0.1, "refuted")])
def test_a_claim_is_judged_by_the_bounds_of_the_ratio(times: float, verdict: str) -> None:
    found = findings(plan(), "one_shot", selected(), cheaper(times))
    assert list(found["claims"].values()) == [verdict]


def test_a_claim_is_not_confirmed_where_a_run_of_the_claimant_never_got_there() -> None:
    runs = cheaper(1e6)
    runs[0]["reached"] = False
    found = findings(plan(), "one_shot", selected(), runs)
    assert found["gains"]["pairs whole"]["low"] > 2
    assert list(found["claims"].values()) == ["undecided"]


def test_without_a_factor_nothing_is_claimed() -> None:
    assert findings(plan(), "scarce", selected(), evaluated())["claims"] == {}


def test_accuracy_at_a_number_of_pairs_is_that_of_the_last_round_within_it() -> None:
    run = result("a", "x", 1, 200)
    assert [accuracy_at(run, pairs) for pairs in (99, 100, 199, 1000)] == [0.5, 0.5, 0.5, 0.7]
