"""The coverage of every interval that the project prints, by simulation; of certificates, by sums over all counts."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from ceas_ray.quantum.trap_circuits import certified_answer_contrast
from ceas_ray.studies.awareness.statistics import ratio
from ceas_ray.studies.headline.statistics import Accuracies, Difference, gain
from ceas_ray.studies.utilization.study import with_intervals
from ceas_ray.training.next_state import certified_werner_bounds

Floats = NDArray[np.float64]
Draw = Callable[[np.random.Generator, int], Floats]
SEEDS = (2, 3, 6, 10, 30)

# Values of one seed, their mean, and how often intervals of 95 % must hold at least: pairs of accuracies are what the
# experiment compares; a single accuracy near 1 is skewed, and an exponential one is the worst that is looked at.
KINDS: dict[str, tuple[Draw, float, float]] = {
    "normal": (lambda draw, n: draw.normal(0.1, 0.05, n), 0.1, 0.94),
    "a skewed pair": (lambda draw, n: draw.beta(8, 1, n) - draw.beta(4, 2, n), 8 / 9 - 4 / 6, 0.935),
    "a discrete pair": (lambda draw, n: (draw.binomial(60, 0.9, n) - draw.binomial(60, 0.7, n)) / 60, 0.2, 0.925),
    "a pair that shares its noise": (
        lambda draw, n: _clipped(draw.normal(0.8, 0.1, n), draw.normal(0, 0.03, n), draw.normal(0, 0.03, n)), 0.1, 0.935
    ),
    "skewed": (lambda draw, n: draw.beta(8, 1, n), 8 / 9, 0.89),
    "very skewed": (lambda draw, n: draw.exponential(0.1, n), 0.1, 0.855),
}  # fmt: skip


def _clipped(common: Floats, mine: Floats, its: Floats) -> Floats:
    return (common + mine) - (common - 0.1 + its)


@pytest.mark.slow
@pytest.mark.parametrize("seeds", SEEDS)
@pytest.mark.parametrize("kind", KINDS)
def test_an_interval_of_a_difference_covers_what_it_says(kind: str, seeds: int) -> None:
    values, truth, least = KINDS[kind]
    draw, repeats = np.random.default_rng(seeds), 4000
    found = [Difference.of("a", "p", values(draw, seeds)) for _ in range(repeats)]
    covered = np.mean([d.low <= truth <= d.high for d in found])
    assert covered >= least
    if kind == "normal":
        assert covered == pytest.approx(0.95, abs=0.012)
        assert np.mean([d.one_sided_low <= truth for d in found]) == pytest.approx(0.95, abs=0.012)
        assert np.mean([truth <= d.one_sided_high for d in found]) == pytest.approx(0.95, abs=0.012)


@pytest.mark.slow
@pytest.mark.parametrize("seeds", SEEDS)
def test_an_interval_of_the_utilization_study_covers_what_it_says(seeds: int) -> None:
    draw, covered = np.random.default_rng(seeds), []
    for _ in range(4000):
        found = with_intervals(list(draw.normal(0.95, 0.01, seeds)))
        covered.append(abs(found["mean"] - 0.95) <= found["half_width_95"])
    assert np.mean(covered) == pytest.approx(0.95, abs=0.012)


# True accuracies by arm and cell, of a claimant and its baselines.
WORLDS: dict[str, dict[str, list[float]]] = {
    "all alike": {"ours": [0.75] * 8, "r0": [0.75] * 8, "r1": [0.75] * 8, "r2": [0.75] * 8},
    "a baseline with a weakness": {"ours": [0.75] * 8, "r0": [0.7, *[0.75] * 7], "r1": [0.75] * 8},
    "a claimant with a weakness": {"ours": [0.70, *[0.75] * 7], "r0": [0.75] * 8, "r1": [0.6, *[0.75] * 7]},
    "all apart": {"ours": [0.8, 0.9], "r0": [0.6, 0.9], "r1": [0.9, 0.55]},
    "one cell, one baseline": {"ours": [0.8], "r0": [0.7]},
}


@pytest.mark.slow
@pytest.mark.parametrize("seeds", [2, 6, 10])
@pytest.mark.parametrize("noise", ["normal", "skewed"])
@pytest.mark.parametrize("world", WORLDS)
def test_an_interval_of_a_worst_case_covers_whatever_two_seeds_selected(world: str, noise: str, seeds: int) -> None:
    means = {arm: np.array(cells)[:, None, None] for arm, cells in WORLDS[world].items()}
    baselines = [arm for arm in means if arm != "ours"]
    truth = float(means["ours"].min() - max(means[arm].min() for arm in baselines))
    draw = np.random.default_rng(seeds)

    def drawn(number: int) -> dict[str, Floats]:
        shapes = {arm: (len(cells), 1, number) for arm, cells in means.items()}
        if noise == "normal":
            return {arm: means[arm] + draw.normal(0, 0.08, shape) for arm, shape in shapes.items()}
        return {arm: means[arm] + 0.08 * (1 - draw.gamma(1, 1, shape)) for arm, shape in shapes.items()}

    def once() -> tuple[float, float, float]:
        cells = tuple(str(k) for k in range(len(means["ours"])))
        found = gain(Accuracies(cells, ("p",), drawn(2), drawn(seeds)), "ours", baselines, draw)
        assert found.low <= found.mean <= found.high
        return found.mean, found.low, found.high

    mean, low, high = np.array([once() for _ in range(500)]).T
    assert np.mean((low <= truth) & (truth <= high)) >= 0.925
    assert np.mean(low > truth) <= 0.045
    assert np.mean(high < truth) <= 0.045
    if world in ("all alike", "a baseline with a weakness"):
        assert mean.mean() <= truth + 3 * mean.std() / 500**0.5


# What arms need under each attack, in true geometric means: of a claimant and its opponents.
NEEDED: dict[str, dict[str, list[float]]] = {
    "all alike": {"ours": [1.0, 1.0], "r0": [1.0, 1.0], "r1": [1.0, 1.0]},
    "one attack is worse": {"ours": [1.0, 1.5], "r0": [4.0, 2.0], "r1": [4.0, 5.0]},
    "the attack that selects is not the worst": {"ours": [1.0, 2.0], "r0": [4.0, 6.0], "r1": [3.0, 7.0]},
}


@pytest.mark.slow
@pytest.mark.parametrize("seeds", [5, 12])
@pytest.mark.parametrize("noise", ["lognormal", "censored"])
@pytest.mark.parametrize("world", NEEDED)
def test_an_interval_of_a_ratio_of_needs_covers_whichever_attack_selected(world: str, noise: str, seeds: int) -> None:
    """censored: opponents count at 1.2 times their true need at most, which can only hide what the claimant gains."""
    means = {arm: np.log(values)[:, None, None] for arm, values in NEEDED[world].items()}
    opponents = [arm for arm in means if arm != "ours"]
    truth = min(max(NEEDED[world][arm]) for arm in opponents) / max(NEEDED[world]["ours"])
    draw = np.random.default_rng(seeds)

    def drawn(number: int) -> dict[str, Floats]:
        shared = draw.normal(0, 0.2, (1, 1, number))
        logs = {arm: mean + shared + draw.normal(0, 0.3, (2, 1, number)) for arm, mean in means.items()}
        if noise == "censored":
            logs |= {arm: np.minimum(logs[arm], means[arm].max() + np.log(1.2)) for arm in opponents}
        return {arm: -of_arm for arm, of_arm in logs.items()}

    def once() -> tuple[float, float]:
        selected = {arm: np.concatenate([of_arm[:1], np.full((1, 1, 1), np.inf)]) for arm, of_arm in drawn(1).items()}
        accuracies = Accuracies(("first", "second"), ("random",), selected, drawn(seeds))
        found = ratio(accuracies, "ours", opponents, measure="pairs", generator=draw)
        return found.low, found.high

    low, high = np.array([once() for _ in range(500)]).T
    assert np.mean(low > truth) <= 0.045
    assert noise == "censored" or np.mean(high < truth) <= 0.045
    assert noise == "censored" or np.mean((low <= truth) & (truth <= high)) >= 0.925


@pytest.mark.parametrize("tested", [1, 10, 100, 1000, 3000])
def test_certificates_cover_at_least_their_confidence_at_every_error_rate(tested: int) -> None:
    """Also where no error is likely, at the rates at which the bound jumps."""
    errors = np.arange(tested + 1.0)
    _, werner = certified_werner_bounds(np.full(tested + 1, float(tested)), errors, 0.95)
    answers = certified_answer_contrast(np.full(tested + 1, float(tested)), errors, 0.95)
    for lower in (werner, answers):
        edges = np.clip((1 - lower[:40]) / 2 - 1e-9, 0, 0.5)
        for rate in (*edges, 1e-6, 1e-4, 1e-3, 0.01, 0.1, 0.3, 0.49):
            covers = lower <= 1 - 2 * rate + 1e-12
            assert stats.binom.pmf(errors, tested, rate)[covers].sum() >= 0.95 - 1e-6


def test_a_thousand_tests_without_error_certify_what_is_known() -> None:
    _, lower = certified_werner_bounds(np.array([1000.0]), np.array([0.0]), 0.95)
    assert lower[0] == pytest.approx(1 - 2 * (1 - 0.05 ** (1 / 1000)))


@pytest.mark.slow
@pytest.mark.parametrize("rate", [0.001, 0.02, 0.1])
def test_certificates_of_a_forgetting_window_cover_at_least_their_confidence(rate: float) -> None:
    """Counts are halved every five rounds, as the hub does."""
    forget = 0.5 ** (np.arange(60) / 5)
    errors = np.random.default_rng(1).binomial(150, rate, (4000, 60)) @ forget
    _, lower = certified_werner_bounds(np.full(4000, 150 * forget.sum()), errors, 0.95)
    assert np.mean(lower <= 1 - 2 * rate) >= 0.95
