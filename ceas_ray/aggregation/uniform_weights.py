"""Equal weights."""

from __future__ import annotations

from dataclasses import dataclass

from ceas_ray.aggregation.evidence import Evidence, Floats, uniform


@dataclass(frozen=True)
class UniformWeights:
    """1 / n each."""

    def __call__(self, evidence: Evidence) -> Floats:
        """See `Weights`."""
        return uniform(len(evidence.tests))
