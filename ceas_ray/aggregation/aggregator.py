"""A rule with its weights and cap."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ceas_ray.aggregation.cap import cap_for, capped
from ceas_ray.aggregation.evidence import Evidence, Weights
from ceas_ray.aggregation.rule import Floats, Rule


@dataclass(frozen=True)
class Aggregator:
    """Weighs and combines the rows of a round. Worker momentum and the undoing of contrast happen at the processors;
    rows that are not finite were refused where they were encoded."""

    rule: Rule
    weights: Weights
    cap: float

    def aggregate(self, updates: Sequence[Floats], evidence: Evidence, faults: int) -> tuple[Floats, Floats]:
        """(weights (n,), aggregate (d,)) of rows sorted by processor."""
        rows = np.stack(updates)
        faults = min(faults, (len(rows) - 1) // 2)
        weights = capped(self.weights(evidence), cap_for(self.cap, faults, len(rows)))
        return weights, self.rule(rows, weights, faults)
