"""An attack whose returns are checked."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import get_args

import numpy as np
from numpy.typing import NDArray

from ceas_ray.attacks.attack import Announcements, Attack, Floats, Knowledge, Seen, Timing
from ceas_ray.kernel.policy_calls import called, read_only, real_numbers, wrong_return


@dataclass(frozen=True)
class CheckedAttack(Attack):
    """Wraps an attack, which may be anybody's own: it cannot change what it is shown, and PolicyError names it if it
    fails or returns what no colluder can do.

    Rows may hold any numbers: what is not finite, or too large for fixed point, is as silence.
    """

    attack: Attack

    def __post_init__(self) -> None:
        """Raises PolicyError for an attack whose constant answers are wrong already."""
        if self.knowledge not in get_args(Knowledge):
            raise wrong_return(self.attack, "knowledge", f"one of {', '.join(get_args(Knowledge))}", self.knowledge)
        self.when_sent()
        self.share_jammed()

    @property
    def knowledge(self) -> Knowledge:  # type: ignore[override]
        """See `Attack`."""
        return getattr(self.attack, "knowledge", None)  # type: ignore[return-value]

    def __call__(self, seen: Seen, generator: np.random.Generator) -> Floats:
        """See `Attack`."""
        shown = replace(seen, own=read_only(seen.own), honest=read_only(seen.honest))
        returned = called(self.attack, "__call__", shown, generator)
        rows, parameters = seen.own.shape
        versions = np.shape(returned)[1] if isinstance(returned, np.ndarray) and returned.ndim == 3 else 1
        several = (rows, max(1, versions), parameters)
        return real_numbers(self.attack, "__call__", returned, (rows, parameters), several, finite=False)

    def learned_targets(self, targets: Floats) -> Floats:
        """See `Attack`."""
        returned = called(self.attack, "learned_targets", read_only(targets))
        return real_numbers(self.attack, "learned_targets", returned, targets.shape)

    def when_sent(self) -> Timing:
        """See `Attack`."""
        timing = called(self.attack, "when_sent")
        if not isinstance(timing, str) or timing not in get_args(Timing):
            raise wrong_return(self.attack, "when_sent", f"one of {', '.join(get_args(Timing))}", timing)
        return timing  # type: ignore[return-value]

    def share_jammed(self) -> float:
        """See `Attack`."""
        share = called(self.attack, "share_jammed")
        if isinstance(share, bool) or not isinstance(share, int | float | np.floating) or not 0 <= share <= 1:
            raise wrong_return(self.attack, "share_jammed", "a number in [0, 1]", share)
        return float(share)

    def announcements(self, tests: Announcements, revealed: bool, generator: np.random.Generator) -> Announcements:
        """See `Attack`."""
        shown = Announcements(read_only(tests.announced), read_only(tests.errors))
        told = called(self.attack, "announcements", shown, revealed, generator)
        if not isinstance(told, Announcements) or not _possible(told, shown.announced):
            must = f"Announcements of integers 0 <= errors <= announced <= {shown.announced.tolist()}"
            raise wrong_return(self.attack, "announcements", must, told)
        return Announcements(*(np.array(counts, np.int64) for counts in told))


def _possible(told: Announcements, most: NDArray[np.int64]) -> bool:
    """Whether these are counts of at most as many outcomes as there are."""
    if any(not isinstance(c, np.ndarray) or c.dtype.kind not in "iu" or c.shape != most.shape for c in told):
        return False
    return bool(np.all((told.errors >= 0) & (told.errors <= told.announced) & (told.announced <= most)))
