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
        found = _checked(self.weights, self.weights(evidence), (len(rows),))
        if np.any(found < 0) or abs(float(np.sum(found)) - 1) > 1e-9:
            raise ValueError(f"{_name(self.weights)} must return weights >= 0 that sum to 1")
        weights = capped(found, cap_for(self.cap, faults, len(rows)))
        return weights, _checked(self.rule, self.rule(rows, weights, faults), rows.shape[1:])


def _checked(policy: object, returned: object, shape: tuple[int, ...]) -> Floats:
    """What a policy returned; ValueError, which names it, unless that is finite real numbers of this shape."""
    numbers = np.asarray(returned)
    came = f"shape {numbers.shape} of {numbers.dtype}"
    if numbers.shape != shape or numbers.dtype.kind != "f":
        raise ValueError(f"{_name(policy)} must return real numbers of shape {shape}, got {came}")
    if not np.all(np.isfinite(numbers)):
        raise ValueError(f"{_name(policy)} must return finite numbers, got {came} with others")
    return numbers


def _name(policy: object) -> str:
    return f"{type(policy).__module__}.{type(policy).__qualname__}.__call__"
