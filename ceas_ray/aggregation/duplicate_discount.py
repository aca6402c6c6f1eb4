"""One vote for rows that are nearer to each other than independent noise allows (ours)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ceas_ray.aggregation.honest_noise import ROBUST_SHARE, chi_square_quantile, middle_distance
from ceas_ray.aggregation.rule import Floats, Rule, check_rows, combined, effective_weights, squared_distances
from ceas_ray.aggregation.sorted_columns import medians

MAX_NEARNESS = 0.2
"""Rows that are further apart than this share of the middle distance are never duplicates, whatever the dimension."""
FALSE_ALARM = 0.05
"""Probability that any two of n honest rows with isotropic Gaussian noise are taken for duplicates."""


@dataclass(frozen=True)
class DuplicateDiscount:
    """Lets near-duplicates share one vote, then applies `rule` with the weights that remain.

    Two rows are near if D_ij < tau min(m, a_i + a_j): D_ij their squared distance, m the middle distance between
    honest rows, a_i the squared distance of row i from the coordinate-wise median. The factor is
    tau = min(1/5, chi2.ppf(.05 / (n (n - 1) / 2), d) / chi2.ppf(1/2, d)); a_i + a_j keeps apart rows that are near
    each other because both are precise. Rows that are linked by near pairs share the largest weight among them, in
    proportion to their own weights.

    Rows are discounted, never removed: colluders who copy the honest rows that point farthest along the gradient would
    otherwise have these thrown out. Copies that lie at the median itself keep their votes: like precise rows they are
    as near to it as to each other. Colluders can be there and still pull: f of n copies move the median to where they
    lie, as far as the honest rows' own quantile (n / 2 - f) / (n - f) in every coordinate. In fewer than about eight
    dimensions independent rows come so near to each other that copies cannot be told from them, and keep their votes
    too. Colluders who add noise of the honest rows' size are not seen; they are left to `rule`.

    `rule` must use weights: one that takes all rows as equal is not changed. The other rows' weights grow when copies
    lose theirs, so a rule that drops a fixed mass needs a `cap` above 1. Compare FoolsGold (arXiv 1808.04866), which
    discounts rows that point the same way.
    """

    MAX_FAULTY_SHARE: ClassVar[float] = ROBUST_SHARE

    rule: Rule

    def __call__(self, updates: Floats, weights: Floats, faults: int) -> Floats:
        """See `Rule`; raises ValueError for more than 0.4 n faults too."""
        check_rows(updates, weights, faults)
        return combined(self.rule, updates, discounted(updates, weights, faults), faults)

    def effective_weights(self, updates: Floats, weights: Floats, faults: int) -> Floats | None:
        """See `Weighing`: of `rule` after the discount; None where it gives none."""
        return effective_weights(self.rule, updates, discounted(updates, weights, faults), faults)


def discounted(updates: Floats, weights: Floats, faults: int) -> Floats:
    """Return the weights (n,), which sum to 1, after rows (n, d) that are near each other have shared one vote.

    Raises ValueError for more than 0.4 n faults.
    """
    if faults == 0:
        return weights
    component = _components(updates, faults)
    total = np.bincount(component, weights)
    largest = np.zeros(len(total))
    np.maximum.at(largest, component, weights)
    votes = weights * np.divide(largest, total, out=np.zeros_like(total), where=total > 0)[component]
    return votes / np.sum(votes)


def _components(updates: Floats, faults: int) -> np.ndarray:
    """Return the lowest index among the rows that each row is linked with, (n,)."""
    rows, dimension = updates.shape
    deviations = updates - medians(updates)
    distances = squared_distances(deviations)
    norms = np.einsum("nd,nd->n", deviations, deviations)
    apart = np.minimum(middle_distance(distances, faults), norms[:, None] + norms[None, :])
    near = distances < nearness(rows, dimension) * apart
    return _linked(near)


def _linked(near: np.ndarray) -> np.ndarray:
    """Return the lowest index that each row reaches over near pairs, (n,). near: symmetric, (n, n)."""
    np.fill_diagonal(near, True)
    lowest = np.arange(len(near))
    while True:
        reached = np.where(near, lowest[None, :], len(near)).min(axis=1)
        if np.array_equal(reached, lowest):
            return lowest
        lowest = reached


def nearness(rows: int, dimension: int) -> float:
    """Return tau: the share of the middle distance below which two of `rows` rows are near."""
    pairs = rows * (rows - 1) / 2
    by_chance = chi_square_quantile(FALSE_ALARM / pairs, dimension) / chi_square_quantile(0.5, dimension)
    return min(MAX_NEARNESS, by_chance)
