"""A spectral filter that knows how noisy honest rows are (ours, after Diakonikolas et al., arXiv 1604.06443)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy.linalg.lapack import dsyevr

from ceas_ray.aggregation.column_shares import median_shares
from ceas_ray.aggregation.honest_noise import ROBUST_SHARE, chi_square_quantile, middle_distance
from ceas_ray.aggregation.rule import Floats, check_rows, squared_distances
from ceas_ray.aggregation.sorted_columns import medians

SLACK = 1.1
"""Factor on the scale and on the edge, so that sampling noise alone seldom starts the filter."""
REMOVED_PER_FAULT = 1.5
"""The filter stops when it has removed this much weight per faulty row, in units of a row."""
NO_WEIGHT = 1e-9


@dataclass(frozen=True)
class SpectralFilter:
    """Takes weight from rows that make one direction more variable than independent noise can, then averages.

    The variance of a row per coordinate is s2 = 1.1 m / (2 chi2.ppf(1/2, d)), m the middle distance between honest
    rows. While the largest eigenvalue of the weighted covariance over s2 exceeds 1.1 (1 + sqrt(d / n_eff))^2, the edge
    of the spectrum of pure noise (Marchenko and Pastur 1967), and less than 1.5 f of weight is gone, each row loses
    weight in proportion to its squared projection on that eigenvector. n_eff = 1 / sum w^2 is the effective number of
    rows (Kish 1965).

    Why it bounds the error: while the top eigenvalue exceeds that of honest noise, the excess comes from the faulty
    rows, so in proportion to squared projections they lose more weight than honest ones; once it does not, the mean of
    the remaining weight is at most about sqrt(s2 edge f / (n - f)) from that of the honest rows, in any direction
    (Diakonikolas and Kane, arXiv 1911.05911, section 2). This holds for honest rows of equal, isotropic noise. Where
    noise is anisotropic, or some rows are noisier than others, the loudest honest directions and rows exceed the edge
    too and lose weight there: 1.5 f, and what the last step takes beyond that. The mean stays unbiased for symmetric
    noise, and is less precise. Nothing is whitened by the bulk of the rows, whose spectrum faulty rows could shape.
    Faulty rows of honest size are never seen, and move the mean by at most that bound.

    With f = 0 it is the weighted mean, with m = 0 (most honest rows equal) the coordinate-wise median. Everything is
    computed in the rows' Gram matrix, so that many dimensions cost one product of matrices.
    """

    MAX_FAULTY_SHARE: ClassVar[float] = ROBUST_SHARE

    def __call__(self, updates: Floats, weights: Floats, faults: int) -> Floats:
        """See `Rule`; raises ValueError for more than 0.4 n faults too."""
        check_rows(updates, weights, faults)
        if faults == 0:
            return weights @ updates
        centre = medians(updates)
        deviations = updates - centre
        votes = _votes(deviations, weights, faults)
        return centre if votes is None else centre + votes @ deviations / np.sum(votes)

    def effective_weights(self, updates: Floats, weights: Floats, faults: int) -> Floats:
        """See `Weighing`: zero for a row that lost all of its weight."""
        if faults == 0:
            return weights
        votes = _votes(updates - medians(updates), weights, faults)
        return median_shares(updates) if votes is None else votes / np.sum(votes)


def _votes(deviations: Floats, weights: Floats, faults: int) -> Floats | None:
    """Return the votes (n,) that remain of rows with these deviations (n, d) from their median; None where most honest
    rows are equal."""
    products = deviations @ deviations.T
    middle = middle_distance(squared_distances(deviations, products), faults)
    if middle == 0:
        return None
    dimension = deviations.shape[1]
    variance = SLACK * middle / (2 * chi_square_quantile(0.5, dimension))
    votes = weights / np.sum(weights**2)
    edge = SLACK * (1 + np.sqrt(dimension / np.sum(votes))) ** 2
    gram = products / variance
    return _filtered((gram + gram.T) / 2, votes, edge, REMOVED_PER_FAULT * faults)


def _filtered(gram: Floats, votes: Floats, edge: float, max_removed: float) -> Floats:
    """Return the votes (n,) that remain. gram: inner products of the rows in units of the variance, (n, n)."""
    min_votes = np.sum(votes) - max_removed
    while np.sum(votes) > min_votes:
        eigenvalue, scores = top_direction(gram, votes)
        largest = float(np.max(scores[votes > 0]))
        if eigenvalue <= edge or largest <= 0:
            break
        votes = np.clip(votes * (1 - scores / largest), 0.0, None)  # the row that sticks out most loses all
        votes[votes < NO_WEIGHT] = 0.0
    return votes


def top_direction(gram: Floats, votes: Floats) -> tuple[float, Floats]:
    """Return the largest eigenvalue of the weighted covariance, and each row's squared projection on its eigenvector.

    gram: inner products of the rows around any centre, (n, n); votes (n,) >= 0. The projections are in units in which
    the eigenvector has any length. With K the inner products of the rows around their weighted mean and W the votes,
    the covariance shares its eigenvalues with W^(1/2) K W^(1/2) / sum W.
    """
    total = np.sum(votes)
    along_mean = gram @ votes / total
    centred = gram - along_mean[:, None] - along_mean[None, :] + votes @ along_mean / total
    root = np.sqrt(votes)
    scaled = centred * (root[:, None] * root[None, :] / total)
    rows = len(votes)
    values, vectors, _, _, info = dsyevr(scaled, range="I", il=rows, iu=rows)
    assert info == 0, "the largest eigenvalue of a symmetric matrix was not found"
    return float(values[0]), (centred @ (root * vectors[:, 0])) ** 2
