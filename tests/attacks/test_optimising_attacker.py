"""The attacker that searches with the rule in use."""

from __future__ import annotations

from typing import Any

import pytest

from ceas_ray.aggregation.trimmed_mean import TrimmedMean
from ceas_ray.attacks.attack import AttackContext
from ceas_ray.attacks.inner_product import InnerProductManipulation
from ceas_ray.attacks.little_is_enough import ALittleIsEnough
from ceas_ray.attacks.noise_matched_shift import NoiseMatchedShift
from ceas_ray.attacks.optimising_attacker import OptimisingAttacker
from ceas_ray.attacks.shrinkage import Shrinkage
from tests.attacks.contexts import context, generator
from tests.attacks.rules import RULES


def progress(attack: Any, rule: Any, seed: int) -> float:
    seen = context(seed, rule, n=30, f=6)
    return float(seen.outcome(attack(seen, generator())) @ seen.honest.mean(axis=0))


@pytest.mark.parametrize("rule", RULES, ids=repr)
def test_the_optimising_attacker_hurts_every_rule_at_least_as_much_as_what_it_starts_from(rule: Any) -> None:
    others = [InnerProductManipulation(2.0, "omniscient"), NoiseMatchedShift(1.0, "omniscient"),
              Shrinkage(1.0, 0.75, "omniscient"), ALittleIsEnough(1.0, "omniscient")]  # fmt: skip
    gained = []
    for seed in range(3):
        found = progress(OptimisingAttacker(60, "omniscient"), rule, seed)
        least = min(progress(attack, rule, seed) for attack in others)
        assert found <= least + 1e-9
        gained.append(least - found)
    assert max(gained) > 0, "the search finds more than it began with"


@pytest.mark.parametrize("most", [1, 5, 20])
def test_it_tries_the_rule_no_more_often_than_it_may(most: int) -> None:
    seen, tried = context(1, TrimmedMean()), []

    def counted(rows: Any) -> Any:
        tried.append(rows)
        return seen.outcome(rows)

    OptimisingAttacker(most, "omniscient")(AttackContext(seen.own, seen.honest, seen.population, counted), generator())
    assert 1 <= len(tried) <= most
