"""Label flip."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ceas_ray.attacks.attack import Attack, AttackContext, Floats, Knowledge, Strength, bounded


@dataclass(frozen=True)
class LabelFlip(Attack):
    """The colluders learn wrong labels: class c of K counts as class K - 1 - c. Their rows times strength."""

    strength: Strength
    knowledge: Knowledge

    def __call__(self, seen: AttackContext, generator: np.random.Generator) -> Floats:
        """See `Attack`."""
        return bounded(self.strength * seen.own)

    def learned_targets(self, targets: Floats) -> Floats:
        """See `Attack`: one output (two classes) changes its sign, several change places."""
        return -targets if targets.shape[1] == 1 else np.ascontiguousarray(targets[:, ::-1])
