"""CEAS's scheduler: the constrained Markov decision process of each class of link, solved. Ours.

The chain is in `perishable_chain`. Wanted: the most J = on time - waste_price * wasted / demanded, such that
utilization is at least `min_utilization` and the share of shots on time at least `min_on_time`, where both can be had;
where not, the most on time that `min_utilization` allows; where no policy that serves a shot reaches that, the most
used. J and both constraints weigh shots served against births alone, so every policy that can be best is best for some
price c of a birth in units of a served shot (Lagrange multipliers only move c): c_J = (waste_price / pairs) / (1 +
waste_price) for J alone, less where on time binds, more where utilization does. At the right c two policies are equally
good; chance decides between them at the start of each gap, such that the constraint holds just so: a constrained
process needs no more.

Under a budget of pairs a run wants something else: the most precision of its gradients for each pair. That ratio is the
price at which the best policy's precision just pays for its births (Dinkelbach, Management Science 13, 492, 1967); the
search starts from the price 0 and takes the ratio reached as the next price.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from math import comb
from typing import Annotated, Literal, get_args

import numpy as np

from ceas_ray.kernel.ranges import Range, check_ranges
from ceas_ray.messages.payloads import BirthTables, StockPolicy
from ceas_ray.scheduling.measures import utilization
from ceas_ray.scheduling.perishable_chain import LinkClass, Solution, solve

Objective = Literal["on_time", "precision_per_pair"]
_SAME = 1e-8
_SAME_RATIO = 1e-4
MAX_WORK = 1_000_000
"""Births tried in one sweep over a chain's states: some 20 ms. Solving takes some hundreds of sweeps."""


def work_of(max_total: int, classes: int, slots: int) -> int:
    """Return the births tried in a sweep over stocks of at most `max_total` pairs in `classes` classes, in `slots`
    slots.
    """
    return comb(max_total + classes, classes) * (max_total + 1) * slots


@dataclass(frozen=True)
class Mixture:
    """Two solutions and the share of the second. Averages are linear in the share: gaps forget which came before."""

    first: Solution
    second: Solution
    second_share: float

    def _mean(self, of_first: float, of_second: float) -> float:
        return of_first + self.second_share * (of_second - of_first)

    @property
    def served(self) -> float:
        """Return the shots on time over the shots demanded."""
        return self._mean(self.first.served, self.second.served)

    @property
    def precision(self) -> float:
        """Return the precision per shot demanded, next to that of fresh pairs, late shots counted as none."""
        return self._mean(self.first.precision, self.second.precision)

    @property
    def births(self) -> float:
        """Return the pairs generated per shot demanded."""
        return self._mean(self.first.births, self.second.births)

    def utilization(self, pairs: int) -> float:
        """Return the pairs used over the pairs generated."""
        return utilization(pairs * self.served, self.births)

    def objective(self, pairs: int, waste_price: float) -> float:
        """Return J = on time - waste_price * wasted / demanded."""
        return self.served - waste_price * (self.births / pairs - self.served)


@dataclass(frozen=True)
class Mdp:
    """The best of all policies of a link that see the ages of pairs by class.

    objective: most J under the constraints, min_...: 0 for none; or the most precision per pair, under min_on_time
    alone. gap_slots: slots of a gap in a shot period. gap_stock: the most pairs kept in a gap. max_classes:
    of age; pairs that live longer count as if they did not (the state grows fast). channel_price: of holding a hub's
    channel for a shot period, in served shots. Where bursts come by a timetable the chain knows when the next one is.
    """

    waste_price: Annotated[float, Range(0, 1000)]
    min_utilization: Annotated[float, Range(0, 1)]
    min_on_time: Annotated[float, Range(0, 1)]
    gap_slots: Annotated[int, Range(1, 100)]
    gap_stock: Annotated[int, Range(1, 100)]
    max_classes: Annotated[int, Range(1, 100)]
    channel_price: Annotated[float, Range(0, 1000)] = 0.0
    objective: Objective = "on_time"

    def __post_init__(self) -> None:
        """Raise ValueError for values out of range."""
        check_ranges(self)
        if self.objective not in get_args(Objective):
            raise ValueError(f"objective must be one of {', '.join(get_args(Objective))}, got {self.objective!r}")

    def stock_policy(self, link: LinkClass) -> StockPolicy:
        """See `Scheduler`."""
        mixed, seen = self.solved(link), self.seen(link)
        two = (mixed.first,) if mixed.second_share == 0 else (mixed.first, mixed.second)
        tables = BirthTables(
            gap_births=np.stack([s.gap_births for s in two]),
            burst_births=np.stack([s.burst_births for s in two]),
            second_share=mixed.second_share,
            gap_slots=self.gap_slots,
            gap_stock=min(self.gap_stock, seen.slots),
            classes=seen.classes,
        )
        return StockPolicy(gap_limit=0, burst_limit=link.slots, demand_driven=True, tables=tables)

    def check(self, link: LinkClass) -> None:
        """See `Scheduler`. Raise ValueError for a chain that would take too long."""
        self.seen(link)

    def solved(self, link: LinkClass) -> Mixture:
        """Return the chain's averages under this scheduler; remembered per class of link."""
        return _solved(self, self.seen(link))

    def seen(self, link: LinkClass) -> LinkClass:
        """Return the link as the chain has it: ages up to `max_classes`, no more stock than a burst can use or than
        MAX_WORK allows, and decay only where it counts. Raise ValueError for a chain that would take too long.

        More than pairs * classes in stock can serve no shot in time, so much less than all slots is enough. Pairs do
        not outlive a known gap that is as long as they are useful; what one attempt then heralds beyond a burst's need
        is left out.
        """
        classes, slots = min(link.classes, self.max_classes), link.slots
        if link.forgets:
            slots = min(slots, link.pairs * link.burst)
        while slots > link.pairs and work_of(slots, classes - 1, link.burst) > MAX_WORK:
            slots = max(link.pairs, slots // 2 if slots > 200 else slots - 1)
        decay = link.decay if self.objective == "precision_per_pair" else 0.0
        seen = replace(link, classes=classes, slots=slots, decay=decay)
        if max(self._sweeps(seen)) > MAX_WORK:
            raise ValueError(
                "scheduling.max_classes, scheduling.gap_slots, scheduling.gap_stock and entanglement.burst_shots must "
                f"be smaller: a sweep of the chain takes more than {MAX_WORK} steps"
            )
        return seen

    def sweeps(self, link: LinkClass) -> tuple[int, int]:
        """Return the births tried in a sweep of a burst and of a gap: what solving the link's chain is made of."""
        return self._sweeps(self.seen(link))

    def _sweeps(self, seen: LinkClass) -> tuple[int, int]:
        gap = work_of(min(self.gap_stock, seen.slots), (seen.classes - 1) * self.gap_slots, 1)
        return work_of(seen.slots, seen.classes - 1, seen.burst), gap

    def _at_price(self, seen: LinkClass, birth_price: float) -> Solution:
        channel = self.channel_price / (seen.trials * seen.success)
        return solve(
            seen,
            shot_value=1.0,
            birth_price=birth_price + channel,
            gap_slots=self.gap_slots,
            gap_stock=self.gap_stock,
        )


@lru_cache(maxsize=4096)
def _solved(scheduler: Mdp, seen: LinkClass) -> Mixture:
    at_price = partial(scheduler._at_price, seen)
    if scheduler.objective == "precision_per_pair":
        return _most_per_pair(at_price, scheduler.min_on_time)
    price = scheduler.waste_price / seen.pairs / (1 + scheduler.waste_price)
    best = at_price(price)

    def used_enough(s: Solution) -> float:
        return seen.pairs * s.served - scheduler.min_utilization * s.births

    if used_enough(best) < 0:  # dearer births, until enough are used
        found = _mixed(at_price, best, at_price(1.0 / seen.pairs), used_enough)
        return found if found.served > _SAME else _most_per_pair(at_price, 0.0)
    if best.served >= scheduler.min_on_time:
        return Mixture(best, best, 0.0)
    cheapest = at_price(0.0)  # cheaper births, until enough shots are on time or too few pairs are used
    on_time = _mixed(at_price, best, cheapest, lambda s: s.served - scheduler.min_on_time)
    if on_time.utilization(seen.pairs) >= scheduler.min_utilization and on_time.served >= scheduler.min_on_time:
        return on_time
    return (
        Mixture(cheapest, cheapest, 0.0)
        if used_enough(cheapest) >= 0
        else _mixed(at_price, cheapest, best, used_enough)
    )


def _most_per_pair(at_price: Callable[[float], Solution], min_on_time: float) -> Mixture:
    """Return the policy of the most precision per birth, or where fewer shots are on time than wanted, the first one on
    the hull of (births, precision) that has as many (the most precise of all if none has).

    Each price pays for its own policy just so, hence the next policy's ratio is larger, or the same and the largest.
    """
    best = cheapest = at_price(0.0)
    while best.births > 0:
        found = at_price(best.precision / best.births)
        if found.births <= 0 or found.precision / found.births <= best.precision / best.births * (1 + _SAME_RATIO):
            break
        best = found
    if best.served >= min_on_time or cheapest.served < min_on_time:
        best = best if best.served >= min_on_time else cheapest
        return Mixture(best, best, 0.0)
    return _mixed(at_price, best, cheapest, lambda s: s.served - min_on_time)


def _mixed(
    at_price: Callable[[float], Solution], failing: Solution, holding: Solution, surplus: Callable[[Solution], float]
) -> Mixture:
    """Mix a policy for which `surplus` is negative and one for which it is not, both on the hull of (births,
    precision): the mixture of neighbours on the hull for which it is zero (the failing policy, if the other fails too).
    """
    if surplus(holding) < 0:
        return Mixture(failing, failing, 0.0)
    while True:
        if abs(failing.births - holding.births) < _SAME:
            return Mixture(holding, holding, 0.0)
        price = (failing.precision - holding.precision) / (failing.births - holding.births)
        between = at_price(price)
        if between.precision - price * between.births <= failing.precision - price * failing.births + _SAME:
            missing = -surplus(failing)
            return Mixture(failing, holding, missing / (missing + surplus(holding)))
        if surplus(between) < 0:
            failing = between
        else:
            holding = between
