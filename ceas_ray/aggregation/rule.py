"""The protocol of aggregation rules, and what rules share."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ceas_ray.kernel.policy_calls import called, read_only, real_numbers, wrong_return

Floats = NDArray[np.float64]

CANCELLED = 1e-6
"""Squared distances below this share of the squared norms are computed from differences: the Gram matrix has lost
digits there."""
EQUAL = 1e-28
"""Rows whose squared distance is below this share of the squared norms are equal up to rounding."""
DUST = 1e-12
"""Parts of a weight below this are rounding, not mass: a huge row must not enter by them."""


class Rule(Protocol):
    """Combines updates (n, d), one row per processor, weights (n,) that sum to 1, into one (d,).

    faults: how many rows may be Byzantine. A rule never changes its input. Rules that are not called weighted take all
    rows as equal, whatever the weights. Ties go to the lower row.
    """

    def __call__(self, updates: Floats, weights: Floats, faults: int) -> Floats:
        """Return the aggregate. Raises ValueError for non-finite rows, bad weights, or too many faults."""


class Weighing(Protocol):
    """What a rule may have beside `Rule`, to say how much of each row is in the aggregate."""

    def effective_weights(self, updates: Floats, weights: Floats, faults: int) -> Floats:
        """Return the weight of each row in the aggregate, (n,) >= 0; arguments and errors are those of `Rule`.

        A coordinate of the aggregate is sum_k a_k x_k with the rows' coordinates x_k. The weight of row k is a_k, its
        mean over the coordinates where they differ: 0 means that the row is in no coordinate of the aggregate. The sum
        is 1, except where a rule starts from a point that is no row.
        """


def max_faults(rule: Rule, rows: int) -> int:
    """Return how many of these rows may be Byzantine at most: fewer than half, and no larger share than its class
    states as MAX_FAULTY_SHARE, if it does.
    """
    return min((rows - 1) // 2, int(getattr(rule, "MAX_FAULTY_SHARE", 0.5) * rows))


def check_rows(updates: Floats, weights: Floats, faults: int) -> None:
    """Raise ValueError unless updates are finite rows (n, d), weights (n,) >= 0 that sum to 1, and faults < n / 2."""
    if updates.ndim != 2 or len(updates) == 0 or not np.all(np.isfinite(updates)):
        raise ValueError(f"updates must be finite rows (n, d), got shape {updates.shape}")
    if weights.shape != (len(updates),) or np.any(weights < 0) or abs(float(np.sum(weights)) - 1) > 1e-9:
        raise ValueError(f"weights must be {len(updates)} numbers >= 0 that sum to 1")
    if not 0 <= faults < len(updates) / 2:
        raise ValueError(f"faults must be at least 0 and fewer than half of {len(updates)} rows, got {faults}")


def squared_distances(updates: Floats, gram: Floats | None = None) -> Floats:
    """Return all pairwise squared distances (n, n), symmetric, from the Gram matrix (n, n), which is computed unless it
    is given; 0 between rows equal up to rounding.

    Pairs that are much nearer to each other than to the origin are computed from their differences. No row's size
    spoils the distance of two others.
    """
    gram = updates @ updates.T if gram is None else gram
    norms = np.diag(gram)
    sums = norms[:, None] + norms[None, :]
    distances = np.maximum(sums - (gram + gram.T), 0.0)
    close = np.triu(distances <= CANCELLED * sums, 1)
    first = np.arange(len(updates))  # the first of the rows that are equal to each
    for i in np.flatnonzero(close.any(axis=1)):
        if first[i] < i:
            continue
        (others,) = np.nonzero(close[i] & (first == np.arange(len(updates))))
        differences = updates[others] - updates[i]
        found = np.einsum("kd,kd->k", differences, differences)
        distances[i, others] = distances[others, i] = found
        first[others[found <= EQUAL * sums[i, others]]] = i
    distances = distances[np.ix_(first, first)]
    np.fill_diagonal(distances, 0.0)
    return distances


def mass_kept(weights: Floats, max_mass: float) -> Floats:
    """Return how much of each weight (..., n) is kept, in order, until `max_mass` is reached along the last axis.

    One weight is kept in part. The shape stays.
    """
    before = np.cumsum(weights, axis=-1) - weights
    kept = np.clip(max_mass - before, 0.0, weights)
    return np.where(kept > DUST, kept, 0.0)


def combined(rule: Rule, rows: Floats, weights: Floats, faults: int) -> Floats:
    """Return what `rule` makes of rows (n, d), which it cannot change, checked: (d,)."""
    returned = called(rule, "__call__", read_only(rows), read_only(weights), faults)
    return real_numbers(rule, "__call__", returned, rows.shape[1:])


def ignores_weights(rule: Rule, rows: int, faults: int) -> bool:
    """Decide whether a rule makes the same of this many rows whatever their weights, by trying it on random ones."""
    generator = np.random.default_rng(0)
    updates, uneven = generator.standard_normal((rows, 8)), generator.dirichlet(np.ones(rows))
    flat = np.full(rows, 1 / rows)
    return np.array_equal(combined(rule, updates, flat, faults), combined(rule, updates, uneven, faults))


def effective_weights(rule: Rule, rows: Floats, weights: Floats, faults: int) -> Floats | None:
    """Return the weight of each of the rows (n, d) in what `rule` makes of them, checked: (n,) >= 0.

    None where the rule, or one inside it, has no method `effective_weights` (see `Weighing`).
    """
    if not hasattr(rule, "effective_weights"):
        return None
    returned = called(rule, "effective_weights", read_only(rows), read_only(weights), faults)
    if returned is None:
        return None
    found = real_numbers(rule, "effective_weights", returned, (len(rows),))
    if np.any(found < 0):
        raise wrong_return(rule, "effective_weights", "weights >= 0", found.tolist())
    return found
