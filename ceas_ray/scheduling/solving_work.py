"""How much work it is to solve a link's decision process, without solving it: what forecasts count. Ours.

The work of a sweep is known; how many sweeps it takes was counted in some sixty chains. A
policy that is used enough and on time at once is found at the first price; a mixture of two takes several prices. At
each of them whole cycles, a gap and a burst, are swept until the stock at their start makes no difference, twice: to
find the policy, then to find its averages. A memoryless gap is swept until its values no longer change.
"""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

from ceas_ray.scheduling.mdp import Mdp
from ceas_ray.scheduling.perishable_chain import LinkClass

_PASSES = 2
_ADMISSIBLE_SURPLUS = 0.05
_AMPLE_SUPPLY, _AMPLE_SUPPLY_OF_A_SHORT_BURST, _PAIRS_OF_A_LONG_BURST = 2.0, 3.0, 20
"""Births over demand of a burst from which on supply is ample; no later shot uses the surplus of a short burst."""
_MAX_GAP_SWEEPS = 100.0


class _Search(Enum):
    """How a policy is found, and at how many prices.

    Supply is ample and hardly a pair wasted, so the first price is enough; or one attempt heralds more than a burst
    uses, so births must be dearer; or supply is short, and utilization and shots on time are at odds; or the most
    precision per pair is sought.
    """

    AT_ONCE = 1
    AMPLE_WITH_SURPLUS = 5
    SHORT_SUPPLY = 7
    RATIO = 4


class SolvingWork(NamedTuple):
    """The work of solving a chain: the prices at which it is solved, and the births that all sweeps of bursts and of
    gaps try.
    """

    prices: int
    births_in_bursts: float
    births_in_gaps: float


def solving_work(scheduler: Mdp, link: LinkClass) -> SolvingWork:
    """Return the work that solving the link's chain will take, mostly within a factor of two. Raise ValueError for a
    chain that would take too long.
    """
    seen = scheduler.seen(link)
    burst, gap = scheduler.sweeps(link)
    search = _search(scheduler, seen)
    cycles = search.value * _PASSES * _cycles(seen, search)
    gap_sweeps = round(seen.gap * scheduler.gap_slots) if seen.periodic else _sweeps_of_a_gap(scheduler, seen, search)
    return SolvingWork(search.value, cycles * burst, cycles * gap_sweeps * gap)


def _search(scheduler: Mdp, link: LinkClass) -> _Search:
    if scheduler.objective == "precision_per_pair":
        return _Search.RATIO
    short_burst = link.pairs * link.burst < _PAIRS_OF_A_LONG_BURST
    if link.births_over_demand < (_AMPLE_SUPPLY_OF_A_SHORT_BURST if short_burst else _AMPLE_SUPPLY):
        return _Search.SHORT_SUPPLY
    surplus = link.modes * link.success / 2  # of a burst's last attempt, about
    return _Search.AMPLE_WITH_SURPLUS if surplus > _ADMISSIBLE_SURPLUS * link.pairs * link.burst else _Search.AT_ONCE


def _cycles(link: LinkClass, search: _Search) -> float:
    """Return the cycles until a burst's start no longer matters: a few more where stock is kept for it."""
    if link.classes == 1 or link.forgets:
        return 1.0
    return (3.5 if search is _Search.SHORT_SUPPLY else 2.0) + 3.0 / link.burst


def _sweeps_of_a_gap(scheduler: Mdp, link: LinkClass, search: _Search) -> float:
    """Return the sweeps of a memoryless gap: as many as a pair lives where no stock is kept; where it is made anew as
    it expires, more the longer the gap.
    """
    if link.classes == 1:
        return 2.0
    match search:
        case _Search.AT_ONCE:
            return 5.0
        case _Search.RATIO:
            return 8.0
        case _Search.AMPLE_WITH_SURPLUS:
            return 20.0
        case _Search.SHORT_SUPPLY:
            return min(_MAX_GAP_SWEEPS, 2.0 + 9.0 * (link.gap * scheduler.gap_slots) ** 0.6)
