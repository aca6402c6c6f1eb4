"""Attacks that know the rule, or rules of its kind: what they send, and that they hurt somebody."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse.csgraph import minimum_spanning_tree

from ceas_ray.aggregation.covariance_filter import CovarianceFilter
from ceas_ray.aggregation.divide_and_conquer import DivideAndConquer
from ceas_ray.aggregation.duplicate_discount import DuplicateDiscount
from ceas_ray.aggregation.geometric_median import GeometricMedian
from ceas_ray.aggregation.krum import Krum
from ceas_ray.aggregation.mean import Mean
from ceas_ray.aggregation.median import Median
from ceas_ray.aggregation.nearest_neighbor_mixing import NearestNeighborMixing
from ceas_ray.aggregation.spectral_filter import SpectralFilter
from ceas_ray.aggregation.trimmed_mean import TrimmedMean
from ceas_ray.attacks.attack import Attack, AttackContext
from ceas_ray.attacks.bridges import Bridges, spanning_tree
from ceas_ray.attacks.checked_attack import CheckedAttack
from ceas_ray.attacks.decoys import Decoys
from ceas_ray.attacks.eviction import Eviction
from ceas_ray.attacks.inner_product import InnerProductManipulation
from ceas_ray.attacks.little_is_enough import ALittleIsEnough
from ceas_ray.attacks.noise_matched_shift import NoiseMatchedShift
from ceas_ray.attacks.optimising_attacker import OptimisingAttacker
from ceas_ray.attacks.shrinkage import Shrinkage
from ceas_ray.attacks.slow_drift import SlowDrift
from ceas_ray.kernel.policy_calls import PolicyError

ATTACKS: list[Attack] = [
    Eviction(1.0, "omniscient"), NoiseMatchedShift(1.0, "omniscient"), Shrinkage(1.5, 0.75, "omniscient"),
    Decoys(2.0, 0.33, 3.0, "omniscient"), Bridges(1.0, "omniscient"), SlowDrift(1.0, 0.9, "omniscient"),
    OptimisingAttacker(30, "omniscient"),
]  # fmt: skip
RULES = [
    Mean(), Median(), TrimmedMean(), NearestNeighborMixing(TrimmedMean()), GeometricMedian(), Krum(), SpectralFilter(),
    DuplicateDiscount(SpectralFilter()), CovarianceFilter(), DivideAndConquer(),
]  # fmt: skip


def seen_of(
    seed: int,
    rule: Any = Mean(),  # noqa: B008
    *,
    n: int = 20,
    f: int = 4,
    d: int = 12,
    known: bool = True,
) -> AttackContext:
    draw = np.random.default_rng(seed)
    rows = 0.5 + draw.normal(size=(n, d))
    own, honest = rows[:f], rows[f:]

    def outcome(forged: Any) -> Any:
        sent = np.concatenate([forged, honest if known else own[np.arange(n - f) % f]])
        return rule(sent, np.full(n, 1 / n), f)

    return AttackContext(own, honest if known else np.empty((0, d)), n, outcome)


def generator() -> np.random.Generator:
    return np.random.default_rng(7)


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: type(attack).__name__)
@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 10**6), f=st.integers(1, 5), honest=st.integers(1, 12), d=st.integers(1, 6),
    kind=st.sampled_from(["any", "zero", "equal"]), known=st.booleans(),
)  # fmt: skip
def test_rows_are_finite_and_the_same_every_time_whatever_is_seen(
    attack: Attack, seed: int, f: int, honest: int, d: int, kind: str, known: bool
) -> None:
    seen = seen_of(seed, n=f + honest + f, f=f, d=d, known=known)
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
@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: type(attack).__name__)
def test_every_attack_can_be_used_against_every_rule(attack: Attack, rule: Any) -> None:
    seen = seen_of(1, rule)
    assert np.isfinite(seen.outcome(attack(seen, generator()))).all()


# --- one by one ----------------------------------------------------------


@given(seed=st.integers(0, 10**6))
def test_eviction_sends_the_rows_that_point_farthest_along_the_gradient(seed: int) -> None:
    seen = seen_of(seed)
    sent, along = Eviction(1.0, "omniscient")(seen, generator()), seen.honest.mean(axis=0)
    assert all((row == seen.honest).all(axis=1).any() for row in sent)
    left = [row for row in seen.honest if not (row == sent).all(axis=1).any()]
    assert min(sent @ along) >= max(row @ along for row in left)


@given(seed=st.integers(0, 10**6), strength=st.floats(0, 1))
def test_a_shift_up_to_strength_one_makes_no_direction_more_variable_than_honest_noise_is(
    seed: int, strength: float
) -> None:
    """In the covariance of a large population: known rows and, in their share, the same rows moved."""
    seen = seen_of(seed, n=40, f=8)
    moved = NoiseMatchedShift(strength, "omniscient")(seen, generator()) - seen.own
    assert np.allclose(moved, moved[0])
    share, mean = 8 / 40, seen.honest.mean(axis=0)
    covariance = np.cov(seen.honest.T, bias=True)
    found = covariance + share * (1 - share) * np.outer(moved[0], moved[0])
    along = mean / np.linalg.norm(mean)
    assert along @ found @ along <= np.linalg.eigvalsh(covariance)[-1] * (1 + 1e-9)
    assert moved[0] @ mean <= 0


def test_a_shift_that_keeps_honest_noise_is_not_seen_by_the_discount() -> None:
    shares = [DuplicateDiscount(Mean()), Mean()]
    for seed in range(10):
        seen = seen_of(seed, n=50, f=10, d=16)
        sent = np.concatenate([NoiseMatchedShift(1.0, "omniscient")(seen, generator()), seen.honest])
        one, other = (rule(sent, np.full(50, 1 / 50), 10) for rule in shares)
        assert np.allclose(one, other)


@given(seed=st.integers(0, 10**6), noise=st.floats(0, 1), strength=st.floats(-1, 3))
def test_shrunk_rows_lie_about_a_part_of_the_mean(seed: int, noise: float, strength: float) -> None:
    seen = seen_of(seed)
    sent = Shrinkage(strength, noise, "omniscient")(seen, generator())
    np.testing.assert_allclose(sent.mean(axis=0), (1 - strength) * seen.honest.mean(axis=0), atol=1e-9)
    np.testing.assert_allclose(sent - sent.mean(axis=0), noise * (seen.own - seen.own.mean(axis=0)), atol=1e-9)


@given(seed=st.integers(0, 10**6), share=st.floats(0, 1))
def test_decoys_stand_at_right_angles_to_the_gradient(seed: int, share: float) -> None:
    seen = seen_of(seed, f=6, n=30)
    sent, mean = Decoys(2.0, share, 3.0, "omniscient")(seen, generator()), seen.honest.mean(axis=0)
    count = round(share * 6)
    np.testing.assert_allclose((sent[:count] - mean) @ mean, 0.0, atol=1e-9)
    np.testing.assert_allclose(sent[count:], seen.own[count:] - 2.0 * mean, atol=1e-12)


def test_decoys_spend_what_a_filter_may_remove() -> None:
    """With decoys more of the shift is left in the aggregate of a filter with a budget."""
    left = {0.0: 0.0, 0.5: 0.0}
    for seed in range(20):
        seen = seen_of(seed, DivideAndConquer(), n=50, f=10, d=16)
        for share in left:
            sent = Decoys(2.0, share, 6.0, "omniscient")(seen, generator())
            left[share] += float(seen.outcome(sent) @ seen.honest.mean(axis=0))
    assert left[0.5] < left[0.0]


@given(seed=st.integers(0, 10**6), rows=st.integers(1, 12))
def test_a_spanning_tree_is_as_short_as_scipy_s(seed: int, rows: int) -> None:
    draw = np.random.default_rng(seed)
    points = draw.normal(size=(rows, 3))
    distances = ((points[:, None] - points[None]) ** 2).sum(axis=-1)
    edges = spanning_tree(distances)
    assert len(edges) == rows - 1
    assert sum(distances[i, j] for i, j in edges) == pytest.approx(minimum_spanning_tree(distances).sum())


def test_bridges_are_midpoints_of_honest_rows() -> None:
    seen = seen_of(3)
    middles = {tuple(np.round((a + b) / 2, 9)) for a in seen.honest for b in seen.honest if a is not b}
    assert all(tuple(np.round(row, 9)) in middles for row in Bridges(1.0, "omniscient")(seen, generator()))


def test_a_drift_begins_slowly_and_goes_one_way() -> None:
    """Against the mean of all rounds, with a step that grows as 1 - momentum^t in honest deviations."""
    attack, memory, steps = SlowDrift(1.5, 0.8, "omniscient"), np.zeros(0), []
    for seed in range(12):
        fresh = seen_of(seed)
        seen = AttackContext(fresh.own, fresh.honest, fresh.population, fresh.outcome, memory)
        moved = attack(seen, generator()) - seen.own
        assert np.allclose(moved, moved[0])
        memory = attack.remembered(seen)
        against = -memory[:-1] / np.linalg.norm(memory[:-1])
        steps.append(float(moved[0] @ against / np.std(seen.honest @ against)))
        np.testing.assert_allclose(np.linalg.norm(moved[0]), moved[0] @ against, rtol=1e-9)
    np.testing.assert_allclose(steps, [1.5 * (1 - 0.8 ** (t + 1)) for t in range(12)])


def progress(attack: Any, rule: Any, seed: int) -> float:
    seen = seen_of(seed, rule, n=30, f=6)
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
    seen, tried = seen_of(1, TrimmedMean()), []

    def counted(rows: Any) -> Any:
        tried.append(rows)
        return seen.outcome(rows)

    OptimisingAttacker(most, "omniscient")(AttackContext(seen.own, seen.honest, seen.population, counted), generator())
    assert 1 <= len(tried) <= most


def test_a_memory_that_is_not_numbers_is_named() -> None:
    class Forgetful(InnerProductManipulation):
        def remembered(self, seen: AttackContext) -> Any:
            return {"rounds": 3}

    with pytest.raises(PolicyError, match="remembered must return finite numbers"):
        CheckedAttack(Forgetful(1.0, "omniscient")).remembered(seen_of(1))
