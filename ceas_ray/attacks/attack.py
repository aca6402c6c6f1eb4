"""The protocol of attacks."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from ceas_ray.kernel.ranges import Range

Floats = NDArray[np.float64]
Knowledge = Literal["colluders", "omniscient"]
Strength = Annotated[float, Range(-1e6, 1e6)]
Timing = Literal["prompt", "last_moment", "late", "never"]
"""When the rows leave: when they are ready, so that they just arrive before the inputs close, after that, or never."""


@dataclass(frozen=True)
class AttackContext:
    """The colluders' view of a round: their own honest rows (f, d) and, if omniscient, the others' (h, d).

    honest has no rows where they are not known. population: of all processors. outcome: from rows (f, d) that the
    colluders might send to the aggregate (d,) that the rule in use would make, for equal weights (a round's weights are
    not known before it); honest rows that are not known are taken to be like the colluders' own. memory: what the
    attack remembered of the round before (`Attack.remembered`), empty in the first.
    """

    own: Floats
    honest: Floats
    population: int
    outcome: Callable[[Floats], Floats]
    memory: Floats = field(default_factory=lambda: np.zeros(0))

    @property
    def known(self) -> Floats:
        """The rows to imitate or oppose: those of the honest if they are seen, else the colluders' own."""
        return self.honest if len(self.honest) else self.own

    def all_send(self, row: Floats) -> Floats:
        """Return the same row (d,) from every colluder, within what fixed point can carry."""
        return bounded(np.tile(row, (len(self.own), 1)))


@dataclass(frozen=True)
class Samples:
    """Samples: angles (samples, n), in rad, and targets (samples, outputs) of +-1.

    features: which encoded feature each angle has, from 0, shape (n,); several angles may have the same. widest: the
    largest angle that the encoding gives, in rad; the smallest is its opposite.
    """

    angles: Floats
    targets: Floats
    features: NDArray[np.int64] = field(kw_only=True)
    widest: float = field(kw_only=True)


class RowMaker(Protocol):
    """What makes an attack: `Attack`, which those of this package derive from, says what else one may have."""

    def __call__(self, seen: AttackContext, generator: np.random.Generator) -> Floats:
        """Return the rows to send, in the order of `seen.own`: (f, d), or (f, versions, d) for replicas in turn."""


class Attack(ABC):
    """Makes the rows that colluders send, and may poison what they learn.

    An attack of one's own need not derive from it: a method `__call__` suffices, and the other two where they are
    wanted; without an attribute `knowledge` it sees what colluders see. A method `learned_samples(samples)` in place of
    `learned_targets` may change all that colluders learn (see `Samples`). One that has a method `triggered(samples)`,
    which returns angles, and an attribute `target_label` is a back door, whose success is measured.

    When they send, what they announce of tests and which links they jam are settings of their own (`attacks.timing`,
    `attacks.announcements`, `attacks.jammed_share`), which any attack can be combined with. knowledge: what colluders
    see, their own honest rows or everyone's.
    """

    knowledge: Knowledge

    @abstractmethod
    def __call__(self, seen: AttackContext, generator: np.random.Generator) -> Floats:
        """Return the rows to send, in the order of `seen.own`: (f, d), or (f, versions, d) for replicas in turn."""

    def remembered(self, seen: AttackContext) -> Floats:
        """Return what the colluders remember of this round in the next one they attack, finite numbers (m,)."""
        return np.zeros(0)

    def learned_targets(self, targets: Floats) -> Floats:
        """Return what colluders learn instead of the targets (samples, outputs) of their shards."""
        return targets


def bounded(rows: Floats) -> Floats:
    """Clip rows (m, d), in 1/rad, to what fixed point can carry."""
    return np.clip(rows, -(2.0**21), 2.0**21)
