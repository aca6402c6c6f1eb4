"""An announcer whose returns are checked."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ceas_ray.attacks.announcements import Announcements, Announcer
from ceas_ray.kernel.policy_calls import called, read_only, wrong_return


@dataclass(frozen=True)
class CheckedAnnouncer:
    """Wraps an announcer, which may be anybody's own: it cannot change what it is shown, and PolicyError names it if it
    fails or returns what no colluder can announce."""

    announcer: Announcer

    def announce(self, tests: Announcements, revealed: bool, generator: np.random.Generator) -> Announcements:
        """See `Announcer`."""
        shown = Announcements(read_only(tests.announced), read_only(tests.errors))
        found = called(self.announcer, "announce", shown, revealed, generator)
        if not isinstance(found, Announcements) or not _possible(found, shown.announced):
            must = f"Announcements of integers 0 <= errors <= announced <= {shown.announced.tolist()}"
            raise wrong_return(self.announcer, "announce", must, found)
        return Announcements(*(np.array(counts, np.int64) for counts in found))


def _possible(found: Announcements, most: NDArray[np.int64]) -> bool:
    """Decide whether these are counts of at most as many outcomes as there are."""
    if any(not isinstance(c, np.ndarray) or c.dtype.kind not in "iu" or c.shape != most.shape for c in found):
        return False
    return bool(np.all((found.errors >= 0) & (found.errors <= found.announced) & (found.announced <= most)))
