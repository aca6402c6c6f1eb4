"""Laws of every attack: what it may send, what it depends on, and ByzFL's rows where ByzFL is installed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ceas_ray.aggregation.trimmed_mean import TrimmedMean
from ceas_ray.attacks.adaptive import Adaptive
from ceas_ray.attacks.attack import Attack, AttackContext
from ceas_ray.attacks.bridges import Bridges
from ceas_ray.attacks.checked_attack import CheckedAttack
from ceas_ray.attacks.decoys import Decoys
from ceas_ray.attacks.equivocation import Equivocation
from ceas_ray.attacks.eviction import Eviction
from ceas_ray.attacks.free_rider import FreeRider
from ceas_ray.attacks.gaussian import Gaussian
from ceas_ray.attacks.inner_product import InnerProductManipulation
from ceas_ray.attacks.label_flip import LabelFlip
from ceas_ray.attacks.little_is_enough import ALittleIsEnough, standard_score
from ceas_ray.attacks.mimic import Mimic
from ceas_ray.attacks.min_max import MinMax
from ceas_ray.attacks.min_sum import MinSum
from ceas_ray.attacks.noise_matched_shift import NoiseMatchedShift
from ceas_ray.attacks.optimising_attacker import OptimisingAttacker
from ceas_ray.attacks.shrinkage import Shrinkage
from ceas_ray.attacks.sign_flip import SignFlip
from ceas_ray.attacks.slow_drift import SlowDrift
from tests.attacks.contexts import context, context_with_equal_rows, generator
from tests.attacks.rules import RULES

ATTACKS: list[Attack] = [
    SignFlip(3.0, "omniscient"), InnerProductManipulation(2.0, "omniscient"), ALittleIsEnough(1.5, "omniscient"),
    Gaussian(2.0, "omniscient"), Mimic(3, "omniscient"), MinMax(1.0, "std", "omniscient"),
    MinMax(1.0, "sign", "omniscient"), MinSum(1.0, "unit", "omniscient"), FreeRider(0.5, "omniscient"),
    LabelFlip(1.0, "omniscient"), Equivocation(2.0, "omniscient"),
    Adaptive(InnerProductManipulation(1.0, "omniscient"), 1.0, 20),
]  # fmt: skip
RULE_AWARE_ATTACKS: list[Attack] = [
    Eviction(1.0, "omniscient"), NoiseMatchedShift(1.0, "omniscient"), Shrinkage(1.5, 0.75, "omniscient"),
    Decoys(2.0, 0.33, 3.0, "omniscient"), Bridges(1.0, "omniscient"), SlowDrift(1.0, 0.9, "omniscient"),
    OptimisingAttacker(30, "omniscient"),
]  # fmt: skip


@pytest.mark.parametrize("attack", ATTACKS, ids=repr)
def test_an_attack_leaves_what_it_sees_alone_and_depends_on_its_stream_alone(attack: Attack) -> None:
    for seed in range(20):
        for omniscient in (True, False):
            seen = context_with_equal_rows(seed, omniscient=omniscient)
            own, honest = seen.own.copy(), seen.honest.copy()
            rows = attack(seen, generator())
            assert rows.shape in ((3, 3), (3, 2, 3))
            assert np.isfinite(rows).all()
            assert np.array_equal(rows, attack(seen, generator()))
            assert np.array_equal(seen.own, own)
            assert np.array_equal(seen.honest, honest)


def test_rows_that_are_too_large_for_fixed_point_are_cut() -> None:
    for attack in (SignFlip(1e9, "colluders"), InnerProductManipulation(1e9, "colluders"), Gaussian(1e9, "colluders")):
        assert np.abs(attack(context_with_equal_rows(1), generator())).max() <= 2.0**21


def test_attacks_are_byzfl_s_where_conventions_agree() -> None:
    byzfl = pytest.importorskip("byzfl", reason="ByzFL is no dependency: see tests/aggregation/test_references.py")
    for seed in range(200):
        seen = context_with_equal_rows(seed, TrimmedMean())
        count, z = len(seen.honest), standard_score(seen.population, 3)
        unbiased = -1.5 / z * np.sqrt(count / (count - 1)) if z else 0.0
        search = byzfl.Optimal_InnerProductManipulation(byzfl.TrMean(f=3), [], f=3, evals=20, start=0.0, delta=10.0)
        pairs = [
            (InnerProductManipulation(2.0, "omniscient"), byzfl.InnerProductManipulation(2.0)),
            (InnerProductManipulation(1.0, "omniscient"), byzfl.SignFlipping()),
            (Mimic(2, "omniscient"), byzfl.Mimic(2)),
            (Adaptive(InnerProductManipulation(1.0, "omniscient"), 10.0, 20), search),
        ]
        if z:
            pairs.append((ALittleIsEnough(unbiased, "omniscient"), byzfl.ALittleIsEnough(1.5)))
        for ours, theirs in pairs:
            found = ours(seen, generator())[0]
            np.testing.assert_allclose(found, theirs(seen.honest), rtol=1e-9, atol=1e-9, err_msg=f"{seed} {ours}")


@pytest.mark.parametrize("attack", RULE_AWARE_ATTACKS, ids=lambda attack: type(attack).__name__)
@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 10**6), f=st.integers(1, 5), honest=st.integers(1, 12), d=st.integers(1, 6),
    kind=st.sampled_from(["any", "zero", "equal"]), known=st.booleans(),
)  # fmt: skip
def test_rows_are_finite_and_the_same_every_time_whatever_is_seen(
    attack: Attack, seed: int, f: int, honest: int, d: int, kind: str, known: bool
) -> None:
    seen = context(seed, n=f + honest + f, f=f, d=d, known=known)
    if kind != "any":
        fill = 0.0 if kind == "zero" else 2.5
        seen = AttackContext(
            np.full_like(seen.own, fill), np.full_like(seen.honest, fill), seen.population, seen.outcome
        )
    rows = CheckedAttack(attack)(seen, generator())
    assert rows.shape == seen.own.shape
    assert np.isfinite(rows).all()
    assert np.array_equal(rows, attack(seen, generator()))


@pytest.mark.parametrize("rule", RULES, ids=repr)
@pytest.mark.parametrize("attack", RULE_AWARE_ATTACKS, ids=lambda attack: type(attack).__name__)
def test_every_attack_can_be_used_against_every_rule(attack: Attack, rule: Any) -> None:
    seen = context(1, rule)
    assert np.isfinite(seen.outcome(attack(seen, generator()))).all()
