"""Attacks: what colluders send, against the papers' algorithms in plain loops, and ByzFL's where it is installed."""

from __future__ import annotations

from collections.abc import Callable
from statistics import NormalDist
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ceas_ray.aggregation.mean import Mean
from ceas_ray.aggregation.trimmed_mean import TrimmedMean
from ceas_ray.attacks.adaptive import Adaptive
from ceas_ray.attacks.announcements import Announcements
from ceas_ray.attacks.attack import Attack, AttackContext
from ceas_ray.attacks.equivocation import Equivocation
from ceas_ray.attacks.false_fidelity import FalseFidelity
from ceas_ray.attacks.free_rider import FreeRider
from ceas_ray.attacks.gaussian import Gaussian
from ceas_ray.attacks.inner_product import InnerProductManipulation
from ceas_ray.attacks.label_flip import LabelFlip
from ceas_ray.attacks.little_is_enough import ALittleIsEnough, standard_score
from ceas_ray.attacks.mimic import Mimic
from ceas_ray.attacks.min_max import MinMax
from ceas_ray.attacks.min_sum import MinSum
from ceas_ray.attacks.placement import place_colluders
from ceas_ray.attacks.sign_flip import SignFlip
from ceas_ray.attacks.truthful import Truthful

ATTACKS: list[Attack] = [
    SignFlip(3.0, "omniscient"), InnerProductManipulation(2.0, "omniscient"), ALittleIsEnough(1.5, "omniscient"),
    Gaussian(2.0, "omniscient"), Mimic(3, "omniscient"), MinMax(1.0, "std", "omniscient"),
    MinMax(1.0, "sign", "omniscient"), MinSum(1.0, "unit", "omniscient"), FreeRider(0.5, "omniscient"),
    LabelFlip(1.0, "omniscient"), Equivocation(2.0, "omniscient"),
    Adaptive(InnerProductManipulation(1.0, "omniscient"), 1.0, 20),
]  # fmt: skip
SEEDS = range(200)


def outcome_of(rule: Any, honest: Any) -> Callable[[Any], Any]:
    def outcome(forged: Any) -> Any:
        rows = np.concatenate([honest, forged])
        return rule(rows, np.full(len(rows), 1 / len(rows)), len(forged))

    return outcome


def seen_of(seed: int, rule: Any = Mean(), omniscient: bool = True) -> AttackContext:  # noqa: B008
    """Rows with equal ones and, for some seeds, all equal in a coordinate."""
    draw = np.random.default_rng(seed)
    honest, own = draw.normal(0.5, 1.0, (int(draw.integers(4, 12)), 3)), draw.normal(0.5, 1.0, (3, 3))
    honest[1] = honest[0]
    if seed % 4 == 0:
        honest[:, 2] = own[:, 2] = 1.0
    return AttackContext(
        own, honest if omniscient else np.empty((0, 3)), len(own) + len(honest), outcome_of(rule, honest)
    )


def generator() -> np.random.Generator:
    return np.random.default_rng(7)


@pytest.mark.parametrize("attack", ATTACKS, ids=repr)
def test_an_attack_leaves_what_it_sees_alone_and_depends_on_its_stream_alone(attack: Attack) -> None:
    for seed in range(20):
        for omniscient in (True, False):
            seen = seen_of(seed, omniscient=omniscient)
            own, honest = seen.own.copy(), seen.honest.copy()
            rows = attack(seen, generator())
            assert rows.shape in ((3, 3), (3, 2, 3))
            assert np.isfinite(rows).all()
            assert np.array_equal(rows, attack(seen, generator()))
            assert np.array_equal(seen.own, own)
            assert np.array_equal(seen.honest, honest)


def test_rows_that_are_too_large_for_fixed_point_are_cut() -> None:
    for attack in (SignFlip(1e9, "colluders"), InnerProductManipulation(1e9, "colluders"), Gaussian(1e9, "colluders")):
        assert np.abs(attack(seen_of(1), generator())).max() <= 2.0**21


def test_simple_attacks_are_their_formulas() -> None:
    for seed in SEEDS:
        seen = seen_of(seed)
        mean = sum(seen.honest) / len(seen.honest)
        np.testing.assert_allclose(SignFlip(3.0, "omniscient")(seen, generator()), -3 * seen.own, atol=1e-12)
        np.testing.assert_allclose(InnerProductManipulation(2.0, "omniscient")(seen, generator())[1], -2 * mean)
        np.testing.assert_array_equal(Mimic(3, "omniscient")(seen, generator())[2], seen.honest[3])
        versions = Equivocation(2.0, "omniscient")(seen, generator())
        np.testing.assert_array_equal(versions[:, 0], seen.own)
        np.testing.assert_allclose(versions[:, 1], np.tile(-2 * mean, (3, 1)), atol=1e-12)
        noise = Gaussian(2.0, "omniscient")(seen, generator())
        size = 2 * np.sqrt(sum(x**2 for row in seen.honest for x in row) / seen.honest.size)
        np.testing.assert_allclose(noise, generator().normal(0.0, size, (3, 3)), atol=1e-12)
        assert np.array_equal(FreeRider(0.0, "omniscient")(seen, generator()), np.zeros((3, 3)))


def test_a_little_is_enough_has_the_paper_s_z() -> None:
    """n = 50, f = 12: s = 14, Phi(z) = (38 - 14) / 38."""
    assert standard_score(50, 12) == pytest.approx(NormalDist().inv_cdf(24 / 38))
    assert standard_score(50, 1) == 0.0
    for seed in SEEDS:
        seen = seen_of(seed)
        count = len(seen.honest)
        mean = sum(seen.honest) / count
        deviation = np.sqrt(sum((row - mean) ** 2 for row in seen.honest) / count)
        expected = mean - 1.5 * standard_score(seen.population, 3) * deviation
        np.testing.assert_allclose(ALittleIsEnough(1.5, "omniscient")(seen, generator())[0], expected, atol=1e-12)


def searched(allowed: Callable[[float], bool]) -> float:
    """The largest step that is allowed, by bisection: the papers' search."""
    least, most = 0.0, 1.0
    while allowed(most) and most < 1e9:
        most *= 2
    for _ in range(200):
        middle = (least + most) / 2
        least, most = (middle, most) if allowed(middle) else (least, middle)
    return least


@pytest.mark.slow
@pytest.mark.parametrize("direction", ["std", "unit", "sign"])
def test_min_max_and_min_sum_go_as_far_as_the_paper_s_search(direction: Any) -> None:
    for seed in SEEDS:
        seen = seen_of(seed)
        rows, mean = seen.honest, seen.honest.mean(axis=0)
        p = {"std": -rows.std(axis=0), "unit": -mean / np.linalg.norm(mean), "sign": -np.sign(mean)}[direction]
        squares = [[float(np.sum((a - b) ** 2)) for b in rows] for a in rows]
        farthest, most = max(map(max, squares)), max(map(sum, squares))

        def near(step: float, mean: Any = mean, p: Any = p, rows: Any = rows, farthest: float = farthest) -> bool:
            return max(float(np.sum((mean + step * p - row) ** 2)) for row in rows) <= farthest

        def near_in_sum(step: float, mean: Any = mean, p: Any = p, rows: Any = rows, most: float = most) -> bool:
            return sum(float(np.sum((mean + step * p - row) ** 2)) for row in rows) <= most

        for attack, allowed in ((MinMax(1.0, direction, "omniscient"), near), (MinSum(1.0, direction, "omniscient"),
                                                                              near_in_sum)):  # fmt: skip
            expected = mean + searched(allowed) * p
            np.testing.assert_allclose(attack(seen, generator())[0], expected, rtol=1e-9, atol=1e-9)


def test_attacks_are_byzfl_s_where_conventions_agree() -> None:
    byzfl = pytest.importorskip("byzfl", reason="ByzFL is no dependency: see tests/aggregation/test_references.py")
    for seed in SEEDS:
        seen = seen_of(seed, TrimmedMean())
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


@given(st.integers(0, 10**6))
def test_the_adaptive_strength_hurts_more_than_any_that_it_tried(seed: int) -> None:
    seen = seen_of(seed, TrimmedMean())
    aim = seen.honest.mean(axis=0)

    def harm(attack: Attack) -> float:
        return float(np.linalg.norm(seen.outcome(attack(seen, generator())) - aim))

    adaptive = harm(Adaptive(InnerProductManipulation(1.0, "omniscient"), 1.0, 20))
    assert adaptive >= max(harm(InnerProductManipulation(s, "omniscient")) for s in (0.0, 1.0)) - 1e-12


def test_adaptive_needs_an_attack_with_a_strength() -> None:
    with pytest.raises(ValueError, match="with a strength"):
        Adaptive(Mimic(0, "omniscient"), 1.0, 20)


def test_label_flip_turns_the_classes_round() -> None:
    attack = LabelFlip(1.0, "colluders")
    np.testing.assert_array_equal(attack.learned_targets(np.array([[1.0], [-1.0]])), [[-1.0], [1.0]])
    np.testing.assert_array_equal(attack.learned_targets(np.array([[1.0, -1.0, -1.0]])), [[-1.0, -1.0, 1.0]])


@given(st.integers(0, 10**6), st.integers(0, 200), st.floats(0, 1), st.floats(0, 1))
def test_who_guesses_or_keeps_silent_in_tests_shows_no_fewer_errors_on_average(
    seed: int, errors: int, guessed: float, withheld: float
) -> None:
    true = Announcements(np.full(3, 1000), np.full(3, errors))
    announcer, draw = FalseFidelity(guessed, withheld), np.random.default_rng(seed)
    announced, wrong = announcer.announce(true, False, draw)
    assert np.all((wrong >= 0) & (wrong <= announced) & (announced <= 1000))
    shown = 1000 - announced + wrong
    expected = (1 - withheld) * (errors + guessed * (500 - errors)) + withheld * 1000
    assert expected >= errors
    assert abs(float(np.sum(shown)) - 3 * expected) <= 6 * np.sqrt(3 * 1000) / 2 + 1
    after_reveal = announcer.announce(true, True, draw)
    assert np.array_equal(after_reveal.announced, true.announced)
    assert not after_reveal.errors.any()


def test_who_is_truthful_announces_what_is_true() -> None:
    true = Announcements(np.array([5, 0, 3]), np.array([1, 0, 3]))
    assert Truthful().announce(true, True, generator()) is true


def test_colluders_sit_where_the_placement_says() -> None:
    quality = np.array([0.3, 0.9, 0.5, 0.9, 0.1])
    assert place_colluders("best_links", 2, quality, generator()) == (1, 3)
    assert place_colluders("worst_links", 2, quality, generator()) == (0, 4)
    assert len(set(place_colluders("random", 3, quality, generator()))) == 3


@pytest.mark.parametrize("make", [
    lambda: MinMax(1.0, "up", "colluders"), lambda: MinSum(1.0, "up", "colluders"),
])  # fmt: skip
def test_attacks_that_cannot_be_are_refused(make: Callable[[], Attack]) -> None:
    with pytest.raises(ValueError, match="must"):
        make()
