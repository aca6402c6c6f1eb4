"""Every rule against plain loops, and against ByzFL where it is installed: 200 random inputs each, with equal rows,
equal distances and colluders."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ceas_ray.aggregation.centered_clipping import CenteredClipping
from ceas_ray.aggregation.geometric_median import GeometricMedian
from ceas_ray.aggregation.krum import Krum
from ceas_ray.aggregation.mean import Mean
from ceas_ray.aggregation.median import Median
from ceas_ray.aggregation.multi_krum import MultiKrum
from ceas_ray.aggregation.nearest_neighbor_mixing import NearestNeighborMixing
from ceas_ray.aggregation.trimmed_mean import TrimmedMean
from ceas_ray.aggregation.weighted_geometric_median import WeightedGeometricMedian
from ceas_ray.aggregation.weighted_mean import WeightedMean
from ceas_ray.aggregation.weighted_median import WeightedMedian
from ceas_ray.aggregation.weighted_nearest_neighbor_mixing import WeightedNearestNeighborMixing
from ceas_ray.aggregation.weighted_trimmed_mean import WeightedTrimmedMean
from tests.aggregation import references

SEEDS = range(200)
WHY_SKIPPED = "ByzFL is no dependency: install it elsewhere and set PYTHONPATH to compare with it"

PAIRS = [
    (Mean(), references.mean),
    (WeightedMean(), references.mean),
    (Median(), references.median),
    (WeightedMedian(), references.median),
    (TrimmedMean(), references.trimmed_mean),
    (WeightedTrimmedMean(1.0), references.trimmed_mean),
    (Krum(), references.krum),
    (MultiKrum(), references.multi_krum),
    (CenteredClipping(0.7, 3, "zero"), references.clipped_from_zero(0.7, 3)),
    (NearestNeighborMixing(TrimmedMean()), references.nnm(references.trimmed_mean)),
    (NearestNeighborMixing(Median()), references.nnm(references.median)),
    (WeightedNearestNeighborMixing(WeightedTrimmedMean(1.0), 1.0), references.nnm(references.trimmed_mean)),
    (WeightedNearestNeighborMixing(WeightedMedian(), 1.0), references.nnm(references.median)),
]


def equal(updates: Any) -> Any:
    return np.full(len(updates), 1 / len(updates))


@pytest.mark.parametrize(("rule", "reference"), PAIRS, ids=[repr(rule) for rule, _ in PAIRS])
def test_a_rule_is_what_plain_loops_give(rule: Any, reference: references.Rule) -> None:
    for seed in SEEDS:
        updates, faults = references.random_rows(seed)
        result = rule(updates, equal(updates), faults)
        np.testing.assert_allclose(result, reference(updates, faults), rtol=1e-9, atol=1e-9, err_msg=f"seed {seed}")


@pytest.mark.slow
def test_weighted_rules_count_integer_weights_as_repeated_rows() -> None:
    for seed in SEEDS:
        updates, _ = references.random_rows(seed)
        times = np.random.default_rng(seed).integers(1, 4, len(updates))
        repeated, total = np.repeat(updates, times, axis=0), int(times.sum())
        weights, trimmed = times / total, seed % max(1, total // 3)
        cap = trimmed / total * len(updates)  # with one fault it drops the mass of `trimmed` of the repeated rows
        trim = WeightedTrimmedMean(cap)
        nnm = references.nnm
        for rule, expected in (
            (WeightedMean(), references.mean(repeated, 0)),
            (WeightedMedian(), references.median(repeated, 0)),
            (trim, references.trimmed_mean(repeated, trimmed)),
            (WeightedNearestNeighborMixing(trim, cap), nnm(references.trimmed_mean)(repeated, trimmed)),
            (
                WeightedNearestNeighborMixing(WeightedMedian(), cap),
                references.nnm(references.median)(repeated, trimmed),
            ),
        ):
            result = rule(updates, weights, 1)
            np.testing.assert_allclose(result, expected, rtol=1e-9, atol=1e-9, err_msg=f"seed {seed} {rule}")
        once = references.sum_of_distances(updates, weights, WeightedGeometricMedian()(updates, weights, 0))
        again = references.sum_of_distances(updates, weights, GeometricMedian()(repeated, equal(repeated), 0))
        assert once == pytest.approx(again, rel=1e-9), f"seed {seed}"


@pytest.mark.filterwarnings("ignore:divide by zero:RuntimeWarning")
def test_rules_are_byzfl_s_where_conventions_agree() -> None:
    byzfl = pytest.importorskip("byzfl", reason=WHY_SKIPPED)
    for seed in range(300):  # 200 without equal distances
        updates, faults = references.random_rows(seed)
        for rule, other in (
            (Mean(), byzfl.Average()),
            (Median(), byzfl.Median()),
            (TrimmedMean(), byzfl.TrMean(f=faults)),
            (Krum(left_out=1), byzfl.Krum(f=faults)),
            (MultiKrum(left_out=1), byzfl.MultiKrum(f=faults)),
            (CenteredClipping(0.7, 3, "zero"), byzfl.CenteredClipping(L=3, tau=0.7)),
        ):
            result = rule(updates, equal(updates), faults)
            np.testing.assert_allclose(
                result, other(updates.copy()), rtol=1e-9, atol=1e-9, err_msg=f"seed {seed} {rule}"
            )
        if seed % 3:  # the others have equal distances, of which ByzFL's NNM takes any
            mixed = NearestNeighborMixing(Mean())(updates, equal(updates), faults)
            np.testing.assert_allclose(mixed, np.mean(byzfl.NNM(faults)(updates), axis=0), rtol=1e-9, atol=1e-9)
        ours, theirs = (
            GeometricMedian()(updates, equal(updates), faults),
            byzfl.GeometricMedian(1e-9, 500)(updates.copy()),
        )
        cost = [references.sum_of_distances(updates, equal(updates), point) for point in (ours, theirs)]
        assert cost[0] <= cost[1] * (1 + 1e-6), f"seed {seed}"
