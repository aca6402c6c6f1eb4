"""The experiment's statistics, on accuracies that are known."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from ceas_ray.reports.intervals import half_widths
from ceas_ray.studies.headline.report import (
    ESTIMATE,
    NOT_REACHED,
    NOT_RUN,
    REACHED,
    _claims,
    _control_claims,
)
from ceas_ray.studies.headline.statistics import (
    Accuracies,
    Difference,
    Gain,
    best_rates,
    by_cell,
    clipped,
    gain,
    gain_of_best_links,
    gain_of_lying,
    holm,
    sign_flip_p,
    worst_strengths,
)
from ceas_ray.studies.utilization.study import with_intervals


def result(arm: str, attack: str, strength: float, placement: str, seed: int, accuracy: float) -> dict[str, Any]:
    return {
        "arm": arm, "attack": attack, "strength": strength, "placement": placement, "seed": seed,
        "accuracy": accuracy, "chance": 0.25, "learning_rate": 0.5,
    }  # fmt: skip


def made(values: dict[str, dict[tuple[str, str], float]], seeds: range, noise: float = 0.0) -> list[dict[str, Any]]:
    """Accuracy by arm and (attack, placement), plus the same noise for all arms of a seed."""
    draw = {seed: noise * np.random.default_rng(seed).normal() for seed in seeds}
    return [
        result(arm, attack, 1.0, placement, seed, value + draw[seed])
        for arm, cells in values.items()
        for (attack, placement), value in cells.items()
        for seed in seeds
    ]


CELLS = {
    "ours": {("a", "random"): 0.8, ("a", "best_links"): 0.75, ("b", "random"): 0.7, ("b", "best_links"): 0.72},
    "plain": {("a", "random"): 0.3, ("a", "best_links"): 0.4, ("b", "random"): 0.9, ("b", "best_links"): 0.9},
    "trimmed": {("a", "random"): 0.6, ("a", "best_links"): 0.66, ("b", "random"): 0.9, ("b", "best_links"): 0.5},
    "mixed": {("a", "random"): 0.64, ("a", "best_links"): 0.62, ("b", "random"): 0.63, ("b", "best_links"): 0.9},
}


def accuracies(noise: float = 0.0) -> Accuracies:
    selection, evaluation = made(CELLS, range(1, 4), noise), made(CELLS, range(101, 109), noise)
    return Accuracies.of(selection, evaluation, worst_strengths(selection))


def test_worst_cases_are_each_arm_s_own_and_the_best_baseline_is_the_one_whose_worst_is_best() -> None:
    found = gain(accuracies(0.02), "ours", ["trimmed", "mixed"], np.random.default_rng(1))
    assert (found.worst_of, found.over, found.worst_over) == (("b", "random"), "mixed", ("a", "best_links"))
    assert found.mean == pytest.approx(0.08)
    assert (found.low, found.high) == (pytest.approx(0.08), pytest.approx(0.08))
    assert found.p == pytest.approx(1 / 2**8)
    over_plain = gain(accuracies(), "ours", ["plain"], np.random.default_rng(1))
    assert (over_plain.worst_over, over_plain.mean) == (("a", "random"), pytest.approx(0.4))


def test_selection_and_evaluation_do_not_mix() -> None:
    """What is worst on the selection seeds is taken on the others, also where it is not worst there."""
    selection = made({"x": {("a", "p"): 0.5, ("b", "p"): 0.6}, "y": {("a", "p"): 0.5, ("b", "p"): 0.6}}, range(1, 3))
    evaluation = made({"x": {("a", "p"): 0.9, ("b", "p"): 0.3}, "y": {("a", "p"): 0.4, ("b", "p"): 0.3}}, range(7, 9))
    found = gain(Accuracies.of(selection, evaluation, worst_strengths(selection)), "x", ["y"],
                 np.random.default_rng(1))  # fmt: skip
    assert found.mean == pytest.approx(0.5)


def test_the_interval_doubts_a_choice_that_the_selection_seeds_do_not_settle() -> None:
    selection = [result("x", a, 1.0, "p", s, v) for s, (u, w) in enumerate([(0.4, 0.6), (0.6, 0.42)]) for a, v in
                 (("a", u), ("b", w))] + made({"y": {("a", "p"): 0.5, ("b", "p"): 0.5}}, range(2))  # fmt: skip
    evaluation = made({"x": {("a", "p"): 0.9, ("b", "p"): 0.3}, "y": {("a", "p"): 0.5, ("b", "p"): 0.5}}, range(7, 9))
    found = gain(Accuracies.of(selection, evaluation, worst_strengths(selection)), "x", ["y"],
                 np.random.default_rng(1))  # fmt: skip
    assert found.low == pytest.approx(-0.2)
    assert found.high == pytest.approx(0.4)


def test_the_worst_strength_and_the_best_rate_are_those_of_the_means() -> None:
    results = [result("x", "a", s, "p", seed, v + seed / 100) for s, v in ((1.0, 0.5), (2.0, 0.4)) for seed in (1, 2)]
    assert worst_strengths(results) == {("x", "a", "p"): 2.0}
    tuned = [tuning_run(0.1, 0.7), tuning_run(0.5, 0.8), tuning_run(1.0, 0.8)]
    assert best_rates(tuned, ["x"]) == {"x": 0.5}


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=6))
def test_learning_rates_are_chosen_on_validation_alone(accuracies_of_rates: list[tuple[float, float, float]]) -> None:
    """Whatever the runs reach on the test set."""
    chosen = [
        best_rates([tuning_run(k + 1.0, a[0], test=a[use]) for k, a in enumerate(accuracies_of_rates)], ["x"])
        for use in (1, 2)
    ]
    assert chosen[0] == chosen[1]
    validated = [max(a[0], 0.25) for a in accuracies_of_rates]
    assert chosen[0]["x"] == 1.0 + validated.index(max(validated))


def tuning_run(rate: float, validation: float, test: float = 0.5) -> dict[str, Any]:
    found = {"learning_rate": rate, "validation_accuracy": validation, "validation_chance": 0.25}
    return result("x", "none", 0.0, "p", 1, test) | found


def test_below_chance_counts_as_chance() -> None:
    assert clipped(result("x", "a", 1.0, "p", 1, 0.1)) == 0.25


def test_differences_by_cell_and_of_lies_are_paired() -> None:
    cells = {(c.attack, c.placement): c for c in by_cell(accuracies(0.05), "ours", "mixed")}
    assert cells["b", "best_links"].mean == pytest.approx(-0.18)
    assert cells["b", "best_links"].low == pytest.approx(-0.18)
    lies = gain_of_lying(accuracies(0.05), "ours", "a", "b")
    assert [lie.placement for lie in lies] == ["random", "best_links"]
    assert lies[0].mean == pytest.approx(0.1)
    assert gain_of_lying(accuracies(), "ours", "a", "nothing") == []
    bought = gain_of_best_links(accuracies(0.05), "ours")
    assert [cell.attack for cell in bought] == ["a", "b"]
    assert [cell.mean for cell in bought] == pytest.approx([0.05, -0.02])


def test_a_missing_run_is_noticed() -> None:
    selection = made(CELLS, range(1, 3))
    with pytest.raises(AssertionError, match="without a result"):
        Accuracies.of(selection, selection[1:], worst_strengths(selection))


def test_holm_is_its_textbook() -> None:
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_holm_never_lowers_a_p_and_keeps_the_order(values: list[float]) -> None:
    adjusted = holm(values)
    assert all(a >= p - 1e-12 and a <= 1 for a, p in zip(adjusted, values, strict=True))
    order = np.argsort(values, kind="stable")
    assert np.all(np.diff(np.array(adjusted)[order]) >= 0)


@given(st.integers(0, 10**6), st.integers(2, 20))
def test_flipped_signs_give_a_p_between_none_and_all(seed: int, count: int) -> None:
    draw = np.random.default_rng(seed)
    values = draw.normal(size=count)
    p, against = sign_flip_p(values, draw), sign_flip_p(-values, draw)
    assert 0 < p <= 1
    assert p + against >= 1 - 0.05


def test_the_choice_of_a_baseline_on_few_seeds_does_not_favour_the_claimant() -> None:
    """On the selection seeds the worse baseline looks better; its weakness must not count as a gain."""
    selection = made({"x": {("a", "p"): 0.7}, "bad": {("a", "p"): 0.8}, "good": {("a", "p"): 0.6}}, range(1, 3))
    evaluation = made({"x": {("a", "p"): 0.7}, "bad": {("a", "p"): 0.4}, "good": {("a", "p"): 0.7}}, range(7, 13))
    found = gain(Accuracies.of(selection, evaluation, worst_strengths(selection)), "x", ["bad", "good"],
                 np.random.default_rng(1))  # fmt: skip
    assert found.over == "good"
    assert (found.mean, found.low) == (pytest.approx(0.0), pytest.approx(0.0))


def test_a_weakness_of_the_claimant_that_selection_missed_lowers_the_bound() -> None:
    selection = made({"x": {("a", "p"): 0.6, ("b", "p"): 0.7}, "y": dict.fromkeys((("a", "p"), ("b", "p")), 0.5)},
                     range(1, 3))  # fmt: skip
    evaluation = made({"x": {("a", "p"): 0.9, ("b", "p"): 0.3}, "y": dict.fromkeys((("a", "p"), ("b", "p")), 0.5)},
                      range(7, 13))  # fmt: skip
    found = gain(Accuracies.of(selection, evaluation, worst_strengths(selection)), "x", ["y"],
                 np.random.default_rng(1))  # fmt: skip
    assert (found.mean, found.low, found.p) == (pytest.approx(0.4), pytest.approx(-0.2), 1.0)


def of_values(values: list[float]) -> Difference:
    return Difference.of("a", "p", np.array(values))


def gained(mean: float, low: float) -> Gain:
    return Gain(
        of="ours",
        over="other",
        worst_of=("a", "p"),
        worst_over=("a", "p"),
        mean=mean,
        low=low,
        high=2 * mean - low,
        p=0.01,
    )


def test_a_claim_whose_data_were_not_run_is_not_reached() -> None:
    found = _claims({"plain": gained(0.2, 0.1), "robust": gained(0.2, 0.1)}, [], lies=[], best_links=[], margin=0.02)
    assert list(found.values())[2:] == [NOT_RUN] * 3


@pytest.mark.parametrize(("mean", "low", "standing"), [
    (0.2, 0.15, REACHED), (0.2, 0.149, ESTIMATE), (0.15, 0.1, ESTIMATE), (0.14, 0.1, NOT_REACHED)
])  # fmt: skip
def test_a_gain_of_15_points_is_reached_where_its_bound_is(mean: float, low: float, standing: str) -> None:
    found = _claims({"plain": gained(mean, low), "robust": gained(0.0, 0.0)}, [], lies=[], best_links=[], margin=0.02)
    assert list(found.values())[:2] == [standing, NOT_REACHED]


def test_wide_intervals_do_not_show_that_lying_gains_nothing() -> None:
    """Few seeds must make no claim easier: what is not there is shown by bounds below the margin alone."""
    wide, narrow, gains = (of_values(v) for v in ([-0.1, 0.1], [0.0, 0.001, 0.002], [0.05, 0.051, 0.052]))
    plain = {"plain": gained(0.2, 0.2), "robust": gained(0.2, 0.2)}
    for lies, standing in (([wide], ESTIMATE), ([narrow], REACHED), ([narrow, wide], ESTIMATE), ([gains], NOT_REACHED)):
        assert list(_claims(plain, [], lies=lies, best_links=lies, margin=0.02).values())[3:] == [standing, standing]
    assert list(_claims(plain, [wide], lies=[], best_links=[], margin=0.02).values())[2] == ESTIMATE


@pytest.mark.parametrize(("mean", "low", "standing"), [
    (0.0, -0.01, REACHED), (0.01, -0.05, ESTIMATE), (-0.03, -0.04, NOT_REACHED), (0.03, 0.025, NOT_REACHED)
])  # fmt: skip
def test_no_difference_from_flat_weights_is_shown_by_both_bounds(mean: float, low: float, standing: str) -> None:
    assert list(_control_claims(gained(mean, low), 0.02).values()) == [standing]


@given(st.lists(st.floats(0, 1), min_size=2, max_size=40))
def test_bounds_are_ordered_and_no_difference_is_beyond_one(values: list[float]) -> None:
    found = of_values(values)
    ends = [-1.0, found.low, found.one_sided_low, found.mean, found.one_sided_high, found.high, 1.0]
    assert all(a <= b + 1e-12 for a, b in itertools.pairwise(ends))


@pytest.mark.parametrize("count", [2, 9, 10, 11, 30, 100])
def test_quantiles_are_student_s_at_any_number_of_seeds(count: int) -> None:
    values = np.arange(count, dtype=float)
    ends = stats.ttest_1samp(values, 0.0).confidence_interval(0.95)
    half = float(half_widths(values))
    assert (ends.low, ends.high) == (pytest.approx(values.mean() - half), pytest.approx(values.mean() + half))
    assert with_intervals(list(values)) == {"mean": values.mean(), "half_width_95": pytest.approx(half)}


def test_one_value_has_no_interval() -> None:
    with pytest.raises(ValueError, match="two values or more"):
        half_widths(np.ones(1))
