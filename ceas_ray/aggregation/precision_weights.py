"""Weights by the precision of the processors' gradients (ours)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np

from ceas_ray.aggregation.evidence import Evidence, Floats, uniform
from ceas_ray.kernel.ranges import Range, check_ranges


@dataclass(frozen=True)
class PrecisionWeights:
    """w_k proportional to 1 / (v_k + n zeta^2): least variance plus squared bias of the weighted gradient.

    Derivation. Processor k sends g_k = grad f + d_k + e_k: its noise e_k has mean 0 and E|e_k|^2 = v_k, independent of
    the others, and d_k is how far the gradient of its shard is from that of all data, f = (1/n) sum f_k. So
    sum d_k = 0; let zeta^2 = (1/n) sum |d_k|^2. With weights that sum to 1,
        E|sum w_k g_k - grad f|^2 = sum w_k^2 v_k + |sum (w_k - 1/n) d_k|^2
                                 <= sum w_k^2 v_k + n zeta^2 sum (w_k - 1/n)^2   (Cauchy and Schwarz).
    Setting the derivative of the right side, with a multiplier m for sum w_k = 1, to zero gives
    w_k (v_k + n zeta^2) = m / 2 + zeta^2, the same for all k. Without heterogeneity that is inverse variance; with much
    of it, uniform. The Fisher information of a shard's own data must not enter: it would change what is minimised.

    sample_variance: sigma_b^2, variance of one sample's exact gradient within a shard, norm squared, in 1/rad^2.
    shot_variance: C, variance of the estimate from one shot at full contrast; for doubly stochastic single-shot
    circuits (2 K P)^2 E[r^2] with K outputs, P parameters and residuals r. heterogeneity: zeta^2. All in the same unit.
    Uniform until every link has `min_tests` tests.
    """

    sample_variance: Annotated[float, Range(0, 1e12)]
    shot_variance: Annotated[float, Range(0, 1e12)]
    heterogeneity: Annotated[float, Range(0, 1e12)]
    min_tests: Annotated[float, Range(0, 1e9)]

    def __post_init__(self) -> None:
        """Raise ValueError for values out of range."""
        check_ranges(self)

    def __call__(self, evidence: Evidence) -> Floats:
        """See `Weights`. By the certified lower bound of contrast; uniform too where no row has any precision."""
        rows = len(evidence.tests)
        spread = gradient_variances(evidence, self.sample_variance, self.shot_variance) + rows * self.heterogeneity
        if np.min(evidence.tests) < self.min_tests or not np.isfinite(spread).any():
            return uniform(rows)
        if np.min(spread) == 0:
            return np.where(spread == 0, 1.0, 0.0) / np.count_nonzero(spread == 0)
        precision = np.min(spread) / spread
        return precision / np.sum(precision)


def gradient_variances(evidence: Evidence, sample_variance: float, shot_variance: float) -> Floats:
    """Return v_k = sigma_b^2 / B_k + C / (S_k lambda_k^2), shape (n,): infinite without samples, shots or certified
    contrast.

    B_k samples, S_k shots, lambda_k the lower bound of contrast: dividing by it multiplies shot noise by
    1 / lambda_k^2.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        sampling = np.where(evidence.samples > 0, sample_variance / evidence.samples, np.inf)
        seen = evidence.shots * evidence.contrast_lower**2
        return sampling + np.where(seen > 0, shot_variance / seen, np.inf)


def predicted_variance(weights: Floats, variances: Floats) -> float:
    """Return V = sum_k w_k^2 v_k, the variance of the weighted gradient (norm squared); rows without weight do not
    count.
    """
    carried = weights > 0
    return float(np.sum(weights[carried] ** 2 * variances[carried]))
