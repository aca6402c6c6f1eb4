"""Adaptive: the strength that hurts the rule in use most."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated, Any

import numpy as np

from ceas_ray.attacks.attack import Attack, AttackContext, Floats, Knowledge
from ceas_ray.attacks.checked_attack import CheckedAttack
from ceas_ray.kernel.ranges import Range

STEP_FACTOR = 0.8


@dataclass(frozen=True)
class Adaptive(Attack):
    """Sends what `attack` would with the strength that moves the aggregate farthest from the mean of the known rows.

    The strength is found by ByzFL's line search: from 0 in steps of `step`, doubled while that helps; then steps that
    shrink by 0.8; `evaluations` trials of the rule in all.
    """

    attack: Any
    step: Annotated[float, Range(0, 1e6, open_below=True)]
    evaluations: Annotated[int, Range(1, 1000)]

    def __post_init__(self) -> None:
        if not isinstance(self.attack, Attack) or not hasattr(self.attack, "strength"):
            raise ValueError(f"attack must be one with a strength, got {self.attack!r}")

    @property
    def knowledge(self) -> Knowledge:  # type: ignore[override]
        """See `Attack`."""
        return self.attack.knowledge  # type: ignore[no-any-return]

    def remembered(self, seen: AttackContext) -> Floats:
        """See `Attack`."""
        return self.attack.remembered(seen)  # type: ignore[no-any-return]

    def __call__(self, seen: AttackContext, generator: np.random.Generator) -> Floats:
        """See `Attack`."""
        aim = np.mean(seen.known, axis=0)
        randomness = generator.bit_generator.state

        def rows(strength: float) -> Floats:
            generator.bit_generator.state = randomness
            return CheckedAttack(replace(self.attack, strength=strength))(seen, generator)  # type: ignore[type-var]

        def harm(strength: float) -> float:
            return float(np.linalg.norm(seen.outcome(rows(strength)) - aim))

        best, worst_harm, step, growing = 0.0, harm(0.0), self.step, True
        for _ in range(self.evaluations - 1):
            tried = harm(best + step)
            if tried > worst_harm:
                best, worst_harm = best + step, tried
                step *= 2.0 if growing else STEP_FACTOR
            else:
                growing = False
                step *= STEP_FACTOR
        return rows(best)
