"""What colluders see, for tests of attacks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ceas_ray.aggregation.mean import Mean
from ceas_ray.attacks.attack import AttackContext


def outcome_of(rule: Any, honest: Any) -> Callable[[Any], Any]:
    def outcome(forged: Any) -> Any:
        rows = np.concatenate([honest, forged])
        return rule(rows, np.full(len(rows), 1 / len(rows)), len(forged))

    return outcome


def context_with_equal_rows(seed: int, rule: Any = Mean(), omniscient: bool = True) -> AttackContext:  # noqa: B008
    """Rows with equal ones and, for some seeds, all equal in a coordinate."""
    draw = np.random.default_rng(seed)
    honest, own = draw.normal(0.5, 1.0, (int(draw.integers(4, 12)), 3)), draw.normal(0.5, 1.0, (3, 3))
    honest[1] = honest[0]
    if seed % 4 == 0:
        honest[:, 2] = own[:, 2] = 1.0
    return AttackContext(
        own, honest if omniscient else np.empty((0, 3)), len(own) + len(honest), outcome_of(rule, honest)
    )


def generator() -> np.random.Generator:
    return np.random.default_rng(7)


def context(
    seed: int,
    rule: Any = Mean(),  # noqa: B008
    *,
    n: int = 20,
    f: int = 4,
    d: int = 12,
    known: bool = True,
) -> AttackContext:
    draw = np.random.default_rng(seed)
    rows = 0.5 + draw.normal(size=(n, d))
    own, honest = rows[:f], rows[f:]

    def outcome(forged: Any) -> Any:
        sent = np.concatenate([forged, honest if known else own[np.arange(n - f) % f]])
        return rule(sent, np.full(n, 1 / n), f)

    return AttackContext(own, honest if known else np.empty((0, d)), n, outcome)
