"""FoolsGold's weights (Fung, Yoon and Beschastnikh, arXiv 1808.04866), of one round."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ceas_ray.aggregation.rule import Floats, Rule, check_rows, combined, effective_weights

_MIN_HONESTY, _MAX_HONESTY = 1e-5, 0.99


@dataclass(frozen=True)
class SimilarityDiscount:
    """Discounts rows by how much they point the way of another row, then applies `rule` with the weights that remain.

    As in FoolsGold: the largest cosine similarity of each row, pardoned where the other row has a larger one, goes
    through a logit and becomes a factor in [0, 1]. Of rows of this round alone: the paper sums them over rounds,
    which worker momentum does in part. `rule` must use weights.
    """

    rule: Rule

    def __call__(self, updates: Floats, weights: Floats, faults: int) -> Floats:
        """See `Rule`."""
        check_rows(updates, weights, faults)
        return combined(self.rule, updates, _discounted(updates, weights, faults), faults)

    def effective_weights(self, updates: Floats, weights: Floats, faults: int) -> Floats | None:
        """See `Weighing`: those of `rule` after the discount, which may go down to zero; None where it gives none."""
        return effective_weights(self.rule, updates, _discounted(updates, weights, faults), faults)


def _discounted(updates: Floats, weights: Floats, faults: int) -> Floats:
    """Return the weights (n,), which sum to 1, times the factors; as they are where nothing would be left."""
    votes = weights * _factors(updates) if faults > 0 and len(updates) > 1 else weights
    total = np.sum(votes)
    return votes / total if total > 0 else weights


def _factors(updates: Floats) -> Floats:
    """Return FoolsGold's factor of each row, (n,) in [0, 1]."""
    lengths = np.linalg.norm(updates, axis=1)
    directions = updates / np.where(lengths > 0, lengths, 1.0)[:, None]
    similar = directions @ directions.T
    np.fill_diagonal(similar, -np.inf)
    nearest = np.max(similar, axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        pardon = np.where(nearest[None, :] > nearest[:, None], nearest[:, None] / nearest[None, :], 1.0)
    honesty = np.clip(1 - np.max(similar * pardon, axis=1), _MIN_HONESTY, None)
    honesty = np.clip(honesty / np.max(honesty), _MIN_HONESTY, _MAX_HONESTY)
    return np.clip(np.log(honesty / (1 - honesty)) + 0.5, 0.0, 1.0)
