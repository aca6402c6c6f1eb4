"""The abstract model: `abstract_rules` explored over all states (`abstract_states`) or on random walks
(`abstract_walks`).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import permutations

import numpy as np
from numpy.typing import NDArray

from ceas_ray.consensus.exploration.abstract_rules import PHASES, Change, Rules
from ceas_ray.consensus.exploration.abstract_states import visit_all
from ceas_ray.consensus.exploration.abstract_walks import DISAGREEMENT, NOT_LIVE, UNSAFE_VOTE, search, walk
from ceas_ray.messages.quorum import Quorums

MAX_VIEWS, MAX_PACKED_VALUES = 12, 3
LIVENESS = "liveness after the calm"
BROKEN = {DISAGREEMENT: "agreement", UNSAFE_VOTE: "a vote 1 is safe", NOT_LIVE: LIVENESS}


@dataclass(frozen=True)
class Explored:
    """Number of distinct states, of those with two decided values, and of those in which liveness is lost."""

    states: int
    disagreements: int
    not_live: int


@dataclass(frozen=True)
class Walk:
    """A walk: its steps (who, view, phase, value; phase 0 enters a view), int64 (steps, 4), and what they break, if
    anything.
    """

    steps: NDArray[np.int64]
    broken: str | None


@dataclass(frozen=True, kw_only=True)
class Searched:
    """Number of walks, of their steps, of states checked for liveness, of deciding walks; what the last one breaks."""

    walks: int
    steps: int
    checked: int
    decided: int
    broken: str | None


@dataclass(frozen=True)
class AbstractModel:
    """A model of n replicas, views 0 .. views - 1 and values 1 .. values. Two values would hide faults of liveness.

    Raises ValueError for more than 12 views, or none.
    """

    replicas: int
    views: int
    values: int = 3
    change: Change = Change.NONE

    def __post_init__(self) -> None:
        if not 1 <= self.views <= MAX_VIEWS:
            raise ValueError(f"an abstract model has 1 to {MAX_VIEWS} views, got {self.views}")

    @property
    def faults(self) -> int:
        """f, the number of Byzantine replicas."""
        return Quorums(self.replicas).faults

    @property
    def honest(self) -> int:
        """Number of replicas that have a state."""
        return self.replicas - self.faults

    @property
    def thresholds(self) -> tuple[int, int]:
        """Q - f and B - f: the number of honest replicas that Q and B take."""
        quorums = Quorums(self.replicas)
        return quorums.quorum - quorums.faults, quorums.blocking - quorums.faults

    @property
    def rules(self) -> Rules:
        """The numbers that the rules depend on."""
        quorum, blocking = self.thresholds
        return Rules(self.values, self.faults, quorum, blocking, int(self.change))

    def explore(self, symmetric: bool = True, max_states: int = 2**22) -> Explored:
        """Visit every reachable state.

        Raises ValueError if there are more than `max_states`, or if one does not fit in 63 bits.
        """
        if self.honest * (3 + 2 * PHASES * self.views) > 63 or self.values > MAX_PACKED_VALUES:
            raise ValueError(
                f"{self.replicas} replicas, {self.views} views and {self.values} values have too many states to visit"
            )
        names = np.array([(0, *order) for order in permutations(range(1, self.values + 1))], np.int64)
        table = np.zeros(1 << (2 * max_states - 1).bit_length(), np.int64)
        found = visit_all(self.honest, self.views, self.rules, names, symmetric, table)
        if found[1] < 0:
            raise ValueError(f"more than {max_states} states")
        return Explored(*(int(count) for count in found))

    def walk(self, seed: int) -> Walk:
        """Return the random walk of this seed."""
        taken = np.zeros((self.honest * self.views * (1 + PHASES), 4), np.int64)
        length, broken, _, _ = walk(self.honest, self.views, self.rules, seed, taken)
        return Walk(taken[:length], BROKEN.get(broken))

    def search(self, first: int, walks: int) -> Searched:
        """Take walks of seeds first, first + 1, ... until one breaks something; that is `walk(first + walks - 1)`."""
        done, steps, checked, decided, broken = search(self.honest, self.views, self.rules, first, walks)
        return Searched(
            walks=int(done), steps=int(steps), checked=int(checked), decided=int(decided), broken=BROKEN.get(broken)
        )
