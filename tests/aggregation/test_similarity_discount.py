"""FoolsGold's discount of rows that point one way."""

from __future__ import annotations

import numpy as np

from ceas_ray.aggregation.similarity_discount import SimilarityDiscount
from ceas_ray.aggregation.weighted_mean import WeightedMean
from tests.aggregation.test_duplicate_discount import equal


def test_foolsgold_discounts_rows_that_point_one_way() -> None:
    draw = np.random.default_rng(3)
    updates = draw.normal(size=(20, 50))
    updates[:4] = 5.0
    found = SimilarityDiscount(WeightedMean())(updates, equal(20), 4)
    assert np.linalg.norm(found - updates[4:].mean(axis=0)) < 0.5 * np.linalg.norm(
        updates.mean(axis=0) - updates[4:].mean(axis=0)
    )
