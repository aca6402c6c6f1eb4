"""A spectral filter that knows how noisy honest rows are (ours, after Diakonikolas et al., arXiv 1604.06443)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from scipy.linalg.lapack import dsyevr
from scipy.special import ndtri

from ceas_ray.aggregation.column_shares import median_shares
from ceas_ray.aggregation.honest_noise import ROBUST_SHARE, chi_square_quantile, middle_distance
from ceas_ray.aggregation.rule import Floats, check_rows, squared_distances
from ceas_ray.aggregation.sorted_columns import medians

SLACK = 1.1
"""Factor on the scale and on the edge, so that sampling noise alone seldom starts the filter."""
REMOVED_PER_FAULT = 1.5
"""The filter stops when it has removed this much weight per faulty row, in units of a row."""
NO_WEIGHT = 1e-9
MAX_NOISE_RATIO = 3.0
"""Of unequal noise: rows count as honest noise up to this many times the middle size."""
HEAVY_TAIL = 2.0
"""Of unequal noise: along no direction is the variance of honest rows this many times that of their middle half."""


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

    noise="unequal" is for honest rows whose noise differs in size, up to three times, or by direction. For the test
    alone, longer rows are shortened to the middle length, to a third at least (compare the sign covariance of Visuri,
    Koivunen and Oja 2000); and a direction stands out only if its variance is also twice that of the middle half of the
    rows along it, whose spread is read off a quantile as `middle_distance` is. Honest rows then keep their votes. It
    costs robustness: colluders may be three times as far away, and hide along directions that are loud by themselves.

    With f = 0 it is the weighted mean, with m = 0 (most honest rows equal) the coordinate-wise median. Everything is
    computed in the rows' Gram matrix, so that many dimensions cost one product of matrices.
    """

    MAX_FAULTY_SHARE: ClassVar[float] = ROBUST_SHARE

    noise: Literal["equal", "unequal"] = "equal"

    def __post_init__(self) -> None:
        if self.noise not in ("equal", "unequal"):
            raise ValueError(f"noise must be equal or unequal, got {self.noise!r}")

    def __call__(self, updates: Floats, weights: Floats, faults: int) -> Floats:
        """See `Rule`; raises ValueError for more than 0.4 n faults too."""
        check_rows(updates, weights, faults)
        if faults == 0:
            return weights @ updates
        centre = medians(updates)
        deviations = updates - centre
        votes = _votes(deviations, weights, faults, self.noise)
        return centre if votes is None else centre + votes @ deviations / np.sum(votes)

    def effective_weights(self, updates: Floats, weights: Floats, faults: int) -> Floats:
        """See `Weighing`: zero for a row that lost all of its weight."""
        if faults == 0:
            return weights
        votes = _votes(updates - medians(updates), weights, faults, self.noise)
        return median_shares(updates) if votes is None else votes / np.sum(votes)


def _votes(deviations: Floats, weights: Floats, faults: int, noise: str) -> Floats | None:
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
    gram = (gram + gram.T) / 2
    if noise == "unequal":
        lengths = np.sqrt(np.maximum(np.diag(products), middle / 2) / (middle / 2))
        shortened = 1 / np.minimum(lengths, MAX_NOISE_RATIO)
        gram = gram * (shortened[:, None] * shortened[None, :])
    return _filtered(gram, votes, edge=edge, faults=faults, noise=noise)


def _filtered(gram: Floats, votes: Floats, *, edge: float, faults: int, noise: str) -> Floats:
    """Return the votes (n,) that remain. gram: inner products of the rows in units of the variance, (n, n)."""
    min_votes = votes.sum() - REMOVED_PER_FAULT * faults
    while votes.sum() > min_votes:
        eigenvalue, projections = top_projections(gram, votes)
        scores = projections**2
        largest = float(scores[votes > 0].max())
        if eigenvalue <= edge or largest <= 0:
            break
        # In the units of the projections the variance along the eigenvector is eigenvalue^2 sum(votes).
        if noise == "unequal" and eigenvalue**2 * np.sum(votes) <= HEAVY_TAIL * _middle_variance(projections, faults):
            break
        votes = np.maximum(votes * (1 - scores / largest), 0.0)  # the row that sticks out most loses all
        votes[votes < NO_WEIGHT] = 0.0
    return votes


def _middle_variance(projections: Floats, faults: int) -> float:
    """Return the variance of normal numbers whose middle half spreads as that of the honest among these does."""
    share = 0.5 * (len(projections) - faults) / len(projections)
    spread = float(np.quantile(np.abs(projections - np.median(projections)), share))
    return (spread / float(ndtri(0.5 + share / 2))) ** 2


def top_direction(gram: Floats, votes: Floats) -> tuple[float, Floats]:
    """Return the largest eigenvalue of the weighted covariance, and each row's squared projection on its eigenvector,
    see `top_projections`.
    """
    eigenvalue, projections = top_projections(gram, votes)
    return eigenvalue, projections**2


def top_projections(gram: Floats, votes: Floats) -> tuple[float, Floats]:
    """Return the largest eigenvalue of the weighted covariance, and each row's projection on its eigenvector.

    gram: inner products of the rows around any centre, (n, n); votes (n,) >= 0. The sign is any, and the squares of the
    projections have the weighted mean eigenvalue^2 sum(votes), because of the eigenvector's length. With K the inner
    products of the rows around their weighted mean and W the votes, the covariance shares its eigenvalues with
    W^(1/2) K W^(1/2) / sum W.
    """
    total = votes.sum()
    along_mean = gram @ votes / total
    centred = gram - along_mean[:, None] - along_mean[None, :] + votes @ along_mean / total
    root = np.sqrt(votes)
    scaled = centred * (root[:, None] * root[None, :] / total)
    rows = len(votes)
    values, vectors, _, _, info = dsyevr(scaled, range="I", il=rows, iu=rows)
    assert info == 0, "the largest eigenvalue of a symmetric matrix was not found"
    return float(values[0]), centred @ (root * vectors[:, 0])
