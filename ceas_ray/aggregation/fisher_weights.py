"""The paper's weights: proportional to the quantum Fisher information."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np

from ceas_ray.aggregation.evidence import Evidence, Floats, uniform
from ceas_ray.kernel.ranges import Range


@dataclass(frozen=True)
class FisherWeights:
    """w_k proportional to lambda^2 / (lambda + 2 (1 - lambda) / 2^n), lambda the certified lower bound of contrast.

    That is F_Q under global depolarizing over the pure state's F_Q, which all processors share (see
    `quantum.fisher_information.globally_depolarized`). Uniform until every link has `min_tests` tests.
    """

    min_tests: Annotated[float, Range(0, 1e9)]

    def __call__(self, evidence: Evidence) -> Floats:
        """See `Weights`."""
        contrast = evidence.contrast_lower
        information = contrast**2 / np.maximum(contrast + 2 * (1 - contrast) / 2**evidence.qubits, 1e-300)
        if np.min(evidence.tests) < self.min_tests or np.sum(information) <= 0:
            return uniform(len(contrast))
        return information / np.sum(information)
