"""Guided search beside random search: how many scenarios each takes until it finds a planted bug."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from statistics import median
from typing import NamedTuple

from ceas_ray.consensus.exploration.abstract_views import SeenReplicas, SeenVoting
from ceas_ray.consensus.exploration.explored_code import ExploredCode
from ceas_ray.consensus.exploration.guided_search import Maker, search
from ceas_ray.consensus.exploration.planted.inputs import INPUT_BUGS
from ceas_ray.consensus.exploration.planted.lagging import LAGGING_BUGS
from ceas_ray.consensus.exploration.planted.voting import VOTING_BUGS
from ceas_ray.consensus.exploration.spawned_pool import spawned_pool
from ceas_ray.consensus.exploration.tapes import EventTape, Tape
from ceas_ray.consensus.replica import Replica
from ceas_ray.consensus.tetrabft import TetraBFT

REPLICAS = 4


class Sought(NamedTuple):
    """How a planted bug is searched for: scenarios over it, and the tapes of a guided search."""

    make: Maker
    tape_of: Callable[[int], Tape]


def _voting(bug: type[TetraBFT]) -> Sought:
    return Sought(lambda tape: SeenVoting(tape, REPLICAS, bug), EventTape)


def _replicas(bug: type[Replica]) -> Sought:
    return Sought(lambda tape: SeenReplicas(tape, REPLICAS, code=ExploredCode(replica=bug)), Tape)


SOUGHT: dict[str, Sought] = {
    **{name: _voting(bug) for name, bug in VOTING_BUGS.items()},
    **{name: _replicas(bug) for name, bug in (INPUT_BUGS | LAGGING_BUGS).items()},
}
"""Planted bugs that scenarios of the voting, or of whole replicas in one round, may find, n = 4."""
HARDEST = (
    "claim by 1", "claims not needed", "no safe check", "locks of the same view ignored", "decide on vote 2"
)  # fmt: skip
"""Bugs of the voting that random scenarios take longest to find, of those that they find in 6,000."""


@dataclass(frozen=True)
class Compared:
    """Scenarios until a bug was found, by search seed, in increasing order.

    limit: what a search that found nothing counts as.
    """

    bug: str
    random: tuple[int, ...]
    guided: tuple[int, ...]
    limit: int

    @property
    def ratio(self) -> float:
        """Return how many times the scenarios of the guided search the random one takes, by medians."""
        return median(self.random) / median(self.guided)

    def found(self, scenarios: tuple[int, ...]) -> int:
        """Return how many of these searches found the bug."""
        return sum(number < self.limit for number in scenarios)


def _searched(job: tuple[str, int, int, bool]) -> int:
    bug, search_seed, limit, guided = job
    sought = SOUGHT[bug]
    found = search(sought.make, search_seed, limit, guided, tape_of=sought.tape_of)
    return limit if found.invariant is None else min(found.scenarios, limit - 1)


def compare_all(
    bugs: tuple[str, ...],
    *,
    searches: int,
    limit: int,
    first: int = 0,
    processes: int = 1,
    begin_worker: Callable[[], None] | None = None,
) -> Iterator[Compared]:
    """Search for each bug with search seeds first + 1, first + 2, ..., at random and guided; yield the bugs in their
    order.

    limit: scenarios after which a search is given up.
    """
    seeds = range(first + 1, first + 1 + searches)
    jobs = [(bug, seed, limit, guided) for bug in bugs for guided in (False, True) for seed in seeds]
    with spawned_pool(processes, begin_worker) as pool:
        results = pool.imap(_searched, jobs)
        for bug in bugs:
            random, guided = (tuple(sorted(next(results) for _ in range(searches))) for _ in range(2))
            yield Compared(bug, random, guided, limit)
