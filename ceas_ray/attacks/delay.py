"""Delay: rows that come at the last moment, or as the inputs time out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ceas_ray.attacks.attack import Attack, Floats, Knowledge, Seen, Strength, Timing


@dataclass(frozen=True)
class Delay(Attack):
    """All colluders send -strength times the known mean; it leaves so that it just arrives before the inputs time out
    (last_moment), or when they do (late): then replicas echo it once more, and it enters if the leader still waits."""

    strength: Strength
    timing: Timing
    knowledge: Knowledge

    def __post_init__(self) -> None:
        if self.timing not in ("last_moment", "late"):
            raise ValueError(f"timing must be last_moment or late, got {self.timing!r}")

    def __call__(self, seen: Seen, generator: np.random.Generator) -> Floats:
        """See `Attack`."""
        return seen.all_send(-self.strength * np.mean(seen.known, axis=0))

    def when_sent(self) -> Timing:
        """See `Attack`."""
        return self.timing
