"""Announcements of colluders on tested pairs and trap circuits."""

from __future__ import annotations

from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray


class Announcements(NamedTuple):
    """The number of outcomes announced, and of wrong ones among them: of tested pairs, per basis (3,), or of
    trap circuits (1,)."""

    announced: NDArray[np.int64]
    errors: NDArray[np.int64]


class Announcer(Protocol):
    """Chooses what a colluder announces; any attack can be combined with any announcer."""

    def announce(self, tests: Announcements, revealed: bool, generator: np.random.Generator) -> Announcements:
        """Return what the hub counts instead of what is true.

        revealed: the colluder announces after it saw the hub's basis and outcome, else before.
        """
