"""Equal weights."""

from __future__ import annotations

import numpy as np

from ceas_ray.aggregation.evidence import Evidence, uniform
from ceas_ray.aggregation.uniform_weights import UniformWeights


def test_everyone_has_the_same_weight_whatever_the_evidence() -> None:
    evidence = Evidence(
        contrast_lower=np.zeros(4), contrast=np.arange(4.0), shots=np.arange(4.0), samples=np.ones(4),
        tests=np.zeros(4), qubits=2,
    )  # fmt: skip
    assert UniformWeights()(evidence).tolist() == uniform(4).tolist() == [0.25] * 4
