"""A rule with its weights and cap."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from ceas_ray.aggregation.cap import cap_for, capped
from ceas_ray.aggregation.evidence import Evidence, Weights
from ceas_ray.aggregation.rule import Floats, Rule, combined, effective_weights
from ceas_ray.kernel.policy_calls import called, read_only, real_numbers, wrong_return


@dataclass(frozen=True)
class Aggregator:
    """Weighs and combines the rows of a round. Worker momentum and error mitigation happen at the processors;
    rows that are not finite were refused where they were encoded."""

    rule: Rule
    weights: Weights
    cap: float

    def aggregate(self, updates: Sequence[Floats], evidence: Evidence, faults: int) -> tuple[Floats, Floats]:
        """Return (weights (n,), aggregate (d,)) of rows sorted by processor.

        Raises PolicyError for a rule or weights that fail.
        """
        rows = np.stack(updates)
        faults = _stood(faults, len(rows))
        weights = capped(weighed(self.weights, evidence, len(rows)), cap_for(self.cap, faults, len(rows)))
        return weights, combined(self.rule, rows, weights, faults)

    def effective_weights(self, updates: Sequence[Floats], weights: Floats, faults: int) -> Floats | None:
        """Return each row's weight in the aggregate (n,), see `Weighing`; None for a rule that gives none.

        weights: as `aggregate` returned them for the same rows. Raises PolicyError for a rule that fails.
        """
        return effective_weights(self.rule, np.stack(updates), weights, _stood(faults, len(updates)))


def _stood(faults: int, rows: int) -> int:
    """Return how many faults among this many rows a rule is asked to tolerate: fewer than half."""
    return min(faults, (rows - 1) // 2)


def weighed(weights: Weights, evidence: Evidence, count: int) -> Floats:
    """Return what `weights` makes of the evidence on `count` rows, checked: (count,) >= 0 with sum 1."""
    values: dict[str, Any] = {field.name: getattr(evidence, field.name) for field in fields(evidence)}
    arrays = {name: read_only(value) for name, value in values.items() if isinstance(value, np.ndarray)}
    returned = called(weights, "__call__", Evidence(**values | arrays))
    found = real_numbers(weights, "__call__", returned, (count,))
    if np.any(found < 0) or abs(float(np.sum(found)) - 1) > 1e-9:
        raise wrong_return(weights, "__call__", "weights >= 0 that sum to 1", found.tolist())
    return found
