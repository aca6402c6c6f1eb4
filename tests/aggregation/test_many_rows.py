"""The discount and the filter on many long rows: the same bits for every replica, the votes of a direct computation."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ceas_ray.aggregation.duplicate_discount import DuplicateDiscount, discounted, nearness
from ceas_ray.aggregation.honest_noise import chi_square_quantile, middle_distance
from ceas_ray.aggregation.spectral_filter import REMOVED_PER_FAULT, SLACK, SpectralFilter

RULE = DuplicateDiscount(SpectralFilter())
SIZES = [(200, 5_000), (500, 5_000), (200, 20_000)]
LARGEST = [*SIZES, (200, 100_000), (500, 100_000)]
pytestmark = pytest.mark.slow


def attacked(rows: int, dimension: int) -> tuple[Any, Any, int]:
    """Return rows, a tenth near-copies of others and a tenth moved together, their weights and how many are faulty."""
    draw, tenth = np.random.default_rng(rows + dimension), rows // 10
    updates = draw.normal(0.1, 1.0, (rows, dimension))
    updates[:tenth] = updates[-tenth:] + 1e-3 * draw.normal(size=(tenth, dimension))
    updates[tenth : 2 * tenth] -= 2.0
    weights = draw.uniform(0.8, 1.0, rows)
    return updates, weights / weights.sum(), 2 * tenth


def direct_discount(updates: Any, weights: Any, faults: int) -> Any:
    """Return the weights after the discount, from differences of rows, component by component."""
    deviations = updates - np.median(updates, axis=0)
    norms = np.sum(deviations**2, axis=1)
    distances = np.array([np.sum((deviations - row) ** 2, axis=1) for row in deviations])
    middle = middle_distance(distances, faults)
    apart = np.minimum(middle, norms[:, None] + norms[None, :])
    near = distances < nearness(*updates.shape) * apart
    votes, left = weights.copy(), set(range(len(weights)))
    while left:
        found, fresh = set[int](), {min(left)}
        while fresh:
            found |= fresh
            fresh = {int(j) for i in fresh for j in np.flatnonzero(near[i])} - found
        members = sorted(found)
        votes[members] *= weights[members].max() / weights[members].sum()
        left -= found
    return votes / votes.sum()


def direct_filter(updates: Any, weights: Any, faults: int) -> Any:
    """Return the weights after the filter, from singular vectors of the rows themselves."""
    dimension = updates.shape[1]
    distances = np.array([np.sum((updates - row) ** 2, axis=1) for row in updates])
    variance = SLACK * middle_distance(distances, faults) / (2 * chi_square_quantile(0.5, dimension))
    votes = weights / np.sum(weights**2)
    edge, least = SLACK * (1 + np.sqrt(dimension / votes.sum())) ** 2, votes.sum() - REMOVED_PER_FAULT * faults
    while votes.sum() > least:
        centred = updates - votes @ updates / votes.sum()
        _, values, directions = np.linalg.svd(np.sqrt(votes)[:, None] * centred, full_matrices=False)
        if values[0] ** 2 / votes.sum() <= edge * variance:
            break
        scores = (centred @ directions[0]) ** 2
        votes = np.clip(votes * (1 - scores / scores[votes > 0].max()), 0.0, None)
        votes[votes < 1e-9] = 0.0
    return votes / votes.sum()


@pytest.mark.parametrize(("rows", "dimension"), SIZES)
def test_votes_from_inner_products_are_those_of_a_direct_computation(rows: int, dimension: int) -> None:
    updates, weights, faults = attacked(rows, dimension)
    discount = discounted(updates, weights, faults)
    np.testing.assert_allclose(discount, direct_discount(updates, weights, faults), rtol=1e-9)
    assert discount[: faults // 2].sum() < 0.6 * weights[: faults // 2].sum(), "copies share one vote"
    found = SpectralFilter().effective_weights(updates, discount, faults)
    np.testing.assert_allclose(found, direct_filter(updates, discount, faults), rtol=1e-6, atol=1e-9)
    assert found[faults // 2 : faults].sum() < 0.01, "rows moved together have no vote"


@pytest.mark.parametrize(("rows", "dimension"), LARGEST)
def test_every_replica_has_the_same_bits_wherever_its_rows_lie_in_memory(rows: int, dimension: int) -> None:
    updates, weights, faults = attacked(rows, dimension)
    result = RULE(updates, weights, faults)
    for offset in (1, 3):
        memory = np.empty(updates.size + offset)
        elsewhere = memory[offset:].reshape(updates.shape)
        elsewhere[:] = updates
        assert np.array_equal(RULE(elsewhere, weights.copy(), faults), result)


@pytest.mark.parametrize(("rows", "dimension"), LARGEST)
def test_the_order_of_rows_and_their_place_and_scale_do_not_matter(rows: int, dimension: int) -> None:
    updates, weights, faults = attacked(rows, dimension)
    result = RULE(updates, weights, faults)
    order = np.random.default_rng(1).permutation(rows)
    np.testing.assert_allclose(RULE(updates[order], weights[order], faults), result, atol=1e-9)
    np.testing.assert_allclose(RULE(1e6 * updates, weights, faults), 1e6 * result, atol=1e-3)
    np.testing.assert_allclose(RULE(updates + 3.0, weights, faults), result + 3.0, atol=1e-9)
