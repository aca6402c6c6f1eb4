"""An attack whose returns are checked."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import get_args

import numpy as np

from ceas_ray.attacks.attack import Attack, Floats, Knowledge, RowMaker, Seen
from ceas_ray.kernel.policy_calls import called, read_only, real_numbers, wrong_return


@dataclass(frozen=True)
class CheckedAttack(Attack):
    """Wraps an attack, which may be anybody's own: it cannot change what it is shown, and PolicyError names it if it
    fails or returns what no colluder can do.

    Rows may hold any numbers: what is not finite, or too large for fixed point, is as silence.
    """

    attack: RowMaker

    def __post_init__(self) -> None:
        """Raise PolicyError for an attack whose knowledge is not one that there is."""
        if self.knowledge not in get_args(Knowledge):
            raise wrong_return(self.attack, "knowledge", f"one of {', '.join(get_args(Knowledge))}", self.knowledge)

    @property
    def knowledge(self) -> Knowledge:  # type: ignore[override]
        """See `Attack`."""
        return getattr(self.attack, "knowledge", "colluders")

    def __call__(self, seen: Seen, generator: np.random.Generator) -> Floats:
        """See `Attack`."""
        returned = called(self.attack, "__call__", _shown(seen), generator)
        rows, parameters = seen.own.shape
        versions = np.shape(returned)[1] if isinstance(returned, np.ndarray) and returned.ndim == 3 else 1
        several = (rows, max(1, versions), parameters)
        return real_numbers(self.attack, "__call__", returned, (rows, parameters), several, finite=False)

    def remembered(self, seen: Seen) -> Floats:
        """See `Attack`."""
        if not hasattr(self.attack, "remembered"):
            return super().remembered(seen)
        returned = called(self.attack, "remembered", _shown(seen))
        length = len(returned) if isinstance(returned, np.ndarray) and returned.ndim == 1 else 0
        return real_numbers(self.attack, "remembered", returned, (length,))

    def learned_targets(self, targets: Floats) -> Floats:
        """See `Attack`."""
        if not hasattr(self.attack, "learned_targets"):
            return targets
        returned = called(self.attack, "learned_targets", read_only(targets))
        return real_numbers(self.attack, "learned_targets", returned, targets.shape)


def _shown(seen: Seen) -> Seen:
    """Return the same view, whose arrays cannot be changed."""
    return replace(seen, own=read_only(seen.own), honest=read_only(seen.honest), memory=read_only(seen.memory))
