"""The geometric median."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.optimize import minimize

from ceas_ray.aggregation.geometric_median import GeometricMedian
from ceas_ray.aggregation.weighted_geometric_median import WeightedGeometricMedian
from tests.aggregation import references
from tests.aggregation.test_references import SEEDS, equal


@pytest.mark.slow
def test_the_geometric_median_has_the_least_sum_of_distances() -> None:
    for seed in SEEDS:
        updates, _ = references.random_rows(seed)
        weights = np.random.default_rng(seed).uniform(0.2, 1.0, len(updates))
        weights /= weights.sum()
        for rule, w in ((GeometricMedian(), equal(updates)), (WeightedGeometricMedian(), weights)):

            def cost(point: Any, w: Any = w, updates: Any = updates) -> float:
                return references.sum_of_distances(updates, w, point)

            found = cost(rule(updates, weights, 0))
            starts = [updates.mean(axis=0), np.median(updates, axis=0)]
            least = min(
                [minimize(cost, start, method="Nelder-Mead").fun for start in starts] + [cost(x) for x in updates]
            )
            assert found <= least * (1 + 1e-6), f"seed {seed}"
