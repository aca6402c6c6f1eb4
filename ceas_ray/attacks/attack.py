"""What an attack is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ceas_ray.kernel.ranges import Range

Floats = NDArray[np.float64]
Knowledge = Literal["colluders", "omniscient"]
Strength = Annotated[float, Range(-1e6, 1e6)]
Timing = Literal["prompt", "last_moment", "late", "never"]
"""When the rows leave: when they are ready, so that they just arrive before the inputs close, after that, or never."""


class Announcements(NamedTuple):
    """How many outcomes were announced, and how many of these were wrong: of tested pairs, per basis (3,), or of
    circuits with known answers (1,)."""

    announced: NDArray[np.int64]
    errors: NDArray[np.int64]


@dataclass(frozen=True)
class Seen:
    """What the colluders know of a round: their own honest rows (f, d) and, if omniscient, the others' (h, d).

    honest has no rows where they are not known. population: of all processors. outcome: from rows (f, d) that the
    colluders might send to the aggregate (d,) that the rule in use would make, for equal weights (a round's weights are
    not known before it); honest rows that are not known are taken to be like the colluders' own.
    """

    own: Floats
    honest: Floats
    population: int
    outcome: Callable[[Floats], Floats]

    @property
    def known(self) -> Floats:
        """The rows to imitate or oppose: those of the honest if they are seen, else the colluders' own."""
        return self.honest if len(self.honest) else self.own

    def all_send(self, row: Floats) -> Floats:
        """The same row (d,) from every colluder, within what fixed point can carry."""
        return bounded(np.tile(row, (len(self.own), 1)))


class Attack(ABC):
    """Makes the colluders' rows; may also poison what they learn, choose when they send, lie in tests and jam links.

    knowledge: what colluders see, their own honest rows or everyone's.
    """

    knowledge: Knowledge

    @abstractmethod
    def __call__(self, seen: Seen, generator: np.random.Generator) -> Floats:
        """The rows to send, in the order of `seen.own`: (f, d), or (f, versions, d) for replicas in turn."""

    def learned_targets(self, targets: Floats) -> Floats:
        """What colluders learn instead of the targets (samples, outputs) of their shards."""
        return targets

    def when_sent(self) -> Timing:
        """When the rows leave."""
        return "prompt"

    def share_jammed(self) -> float:
        """Of all attempts on the best links of honest processors, as many as there are colluders."""
        return 0.0

    def announcements(self, tests: Announcements, revealed: bool, generator: np.random.Generator) -> Announcements:
        """What a colluder makes the hub count of tested pairs or of known answers, instead of what is true.

        revealed: it announces after it saw the hub's basis and outcome, else before.
        """
        return tests


def bounded(rows: Floats) -> Floats:
    """Within what fixed point can carry."""
    return np.clip(rows, -(2.0**21), 2.0**21)
