"""The abstract model: `abstract_rules` over all states (`abstract_states`), or on random walks (`abstract_walks`)."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import permutations

import numpy as np
from numpy.typing import NDArray

from ceas_ray.consensus.exploration.abstract_rules import PHASES, Change
from ceas_ray.consensus.exploration.abstract_states import visit_all
from ceas_ray.consensus.exploration.abstract_walks import DISAGREEMENT, NOT_LIVE, UNSAFE_VOTE, search, walk
from ceas_ray.messages.quorum import Quorums

MOST_VIEWS, MOST_PACKED_VALUES = 12, 3
LIVENESS = "liveness after the calm"
BROKEN = {DISAGREEMENT: "agreement", UNSAFE_VOTE: "a vote 1 is safe", NOT_LIVE: LIVENESS}


@dataclass(frozen=True)
class Explored:
    """Distinct states, how many of them have two decided values, and in how many liveness is lost."""

    states: int
    disagreements: int
    not_live: int


@dataclass(frozen=True)
class Walk:
    """Steps (who, view, phase, value; phase 0 enters a view), int64 (steps, 4), and what they break, if anything."""

    steps: NDArray[np.int64]
    broken: str | None


@dataclass(frozen=True)
class Searched:
    """Walks, their steps, states checked for liveness, walks that decide, and what the last one breaks."""

    walks: int
    steps: int
    checked: int
    decided: int
    broken: str | None


@dataclass(frozen=True)
class AbstractModel:
    """n replicas, views 0 .. views - 1, values 1 .. values. Two values hide faults of liveness."""

    replicas: int
    views: int
    values: int = 3
    change: Change = Change.NONE

    def __post_init__(self) -> None:
        if not 1 <= self.views <= MOST_VIEWS:
            raise ValueError(f"an abstract model has 1 to {MOST_VIEWS} views, got {self.views}")

    @property
    def faults(self) -> int:
        """f."""
        return Quorums(self.replicas).faults

    @property
    def honest(self) -> int:
        """How many replicas have a state."""
        return self.replicas - self.faults

    @property
    def thresholds(self) -> tuple[int, int]:
        """Q - f and B - f: how many honest ones it takes."""
        quorums = Quorums(self.replicas)
        return quorums.quorum - quorums.faults, quorums.blocking - quorums.faults

    @property
    def _terms(self) -> tuple[int, ...]:
        return self.honest, self.views, self.values, self.faults, *self.thresholds, int(self.change)

    def explore(self, symmetric: bool = True, most_states: int = 2**22) -> Explored:
        """Every reachable state; ValueError if they are more than `most_states` or do not fit in 63 bits."""
        if self.honest * (3 + 2 * PHASES * self.views) > 63 or self.values > MOST_PACKED_VALUES:
            raise ValueError(
                f"{self.replicas} replicas, {self.views} views and {self.values} values have too many states to visit"
            )
        names = np.array([(0, *order) for order in permutations(range(1, self.values + 1))], np.int64)
        table = np.zeros(1 << (2 * most_states - 1).bit_length(), np.int64)
        found = visit_all(*self._terms, names, symmetric, table)
        if found[1] < 0:
            raise ValueError(f"more than {most_states} states")
        return Explored(*(int(count) for count in found))

    def walk(self, seed: int) -> Walk:
        """A random one."""
        taken = np.zeros((self.honest * self.views * (1 + PHASES), 4), np.int64)
        length, broken, _, _ = walk(*self._terms, seed, taken)
        return Walk(taken[:length], BROKEN.get(broken))

    def search(self, first: int, walks: int) -> Searched:
        """The walks of the seeds first, first + 1, ... until one breaks; it is `walk(first + walks - 1)`."""
        done, steps, checked, decided, broken = search(*self._terms, first, walks)
        return Searched(int(done), int(steps), int(checked), int(decided), BROKEN.get(broken))
