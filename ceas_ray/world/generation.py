"""The number of pairs that links generate for those that shots and keys use, as forecasts count it. Ours."""

from __future__ import annotations

import math
from statistics import mean

from ceas_ray.entanglement.demand import Demand
from ceas_ray.kernel.time import PICOSECONDS_PER_SECOND
from ceas_ray.network.link_parameters import LinkParameters
from ceas_ray.network.route import PairSource, Route
from ceas_ray.scheduling.base_stock import BaseStock
from ceas_ray.scheduling.freshest_first import FreshestFirst
from ceas_ray.scheduling.oblivious import Oblivious
from ceas_ray.scheduling.scheduler import Scheduler
from ceas_ray.scheduling.time_sharing import TimeSharing
from ceas_ray.scheduling.two_level import TwoLevel

_LARGEST_EXPONENT = 700.0
"""Its exponential is still a number of double precision."""


def stock_kept(scheduler: Scheduler, slots: int) -> float | None:
    """Return the pairs that a scheduler keeps in stock in gaps, when nobody asks for them; None if it keeps none.

    One of the user's own counts as one that generates on demand. A clairvoyant makes no pair for shots in vain.
    """
    match scheduler:
        case Oblivious() | FreshestFirst():
            return slots
        case BaseStock(limit) | TwoLevel(limit, _):
            return min(limit, slots)
        case TimeSharing(first, second, share):
            kept = [stock_kept(one, slots) or 0.0 for one in (first, second)]
            return (1 - share) * kept[0] + share * kept[1] or None
        case _:
            return None


def generated_for_a_pair(route: Route, useful_age: int) -> float:
    """Return the pairs that the links of a route generate for one end-to-end pair, no leg going on while it has one.

    useful_age: ps. An attempt that heralds several pairs wastes all but one. Purification and swaps fail. A pair grows
    too old if the other legs take longer than its useful age: on two legs, whose first pair waits in vain with
    probability 1 - P, there are 1 + 1/P pairs for one, exactly for waiting times without memory; on more the sum is
    taken with the fastest leg's pair as the one that waits.
    """
    swapping, age = route.swapping, useful_age / PICOSECONDS_PER_SECOND
    of_legs = [_heralded(leg) / swapping.purified(leg)[1] for leg in route.legs]
    rates = [leg.rate * swapping.purified(leg)[1] for leg in route.legs]
    waits = 1.0
    if len(rates) == 2:
        waits = sum(rate * -math.expm1(-other * age) for rate, other in (rates, rates[::-1])) / sum(rates)
    elif len(rates) > 2:
        waits = math.prod(-math.expm1(-rate * age) for rate in sorted(rates)[:-1])
    failed = 1 / max(waits, 1e-12) - 1
    return (sum(of_legs) + failed * mean(of_legs)) / swapping.success ** (len(rates) - 1)


def _heralded(leg: LinkParameters) -> float:
    """Return how many pairs an attempt heralds that heralds one."""
    some = -math.expm1(leg.modes * math.log1p(-leg.success_probability)) if leg.success_probability < 1 else 1.0
    return leg.modes * leg.success_probability / some


def mean_age(route: Route, useful_age: int) -> float:
    """Return how long the first pair of a route waits for that of the slowest leg if it does not grow too old, ps."""
    if len(route.legs) == 1:
        return 0.0
    rate, age = route.rate, useful_age / PICOSECONDS_PER_SECOND
    if rate * age < 1e-6:
        return useful_age / 2
    return (1 / rate - age / math.expm1(min(rate * age, _LARGEST_EXPONENT))) * PICOSECONDS_PER_SECOND


def generated_for_shots(route: Route, served: PairSource, demand: Demand, *, pairs: int, kept: float | None) -> float:
    """Return the pairs that the links of a route generate for a shot, which needs this many end-to-end pairs.

    served: whose period the shots have. kept: see `stock_kept`. On demand they are those that are asked for, but never
    more than come in the time; of a stock all that fits in, in gaps what grows too old besides.
    """
    period = demand.shot_period(served)
    gaps = demand.gap_periods / demand.burst_shots
    held = min(demand.useful_age(served) / period, 1e9)
    total = 0.0
    for leg in route.legs:
        births, raw = leg.rate * period / PICOSECONDS_PER_SECOND, 2.0 ** route.swapping.rounds_of(leg)
        if kept is None:
            total += min(pairs * raw, births * (1 + gaps))
            continue
        replaced = min(births, kept / held)
        total += min(births, pairs * raw + replaced) + gaps * replaced
    return total
