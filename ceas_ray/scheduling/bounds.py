"""Bounds that no scheduler can beat: values of the relaxed chain, and their duals under constraints. Ours.

A Lagrange multiplier turns a constraint into a price; the relaxed chain's value at any prices >= 0 is an upper bound
under the constraints (weak duality), and the least of them over the prices the best such bound.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from ceas_ray.scheduling.perishable_chain import LinkClass, solve

_GAP_SLOTS = 1


def objective_bound(link: LinkClass, waste_price: float, gap_slots: int = _GAP_SLOTS) -> float:
    """Return the J = on time - waste_price * wasted / demanded that no scheduler exceeds."""
    return _value(link, 1 + waste_price, waste_price / link.pairs, gap_slots)


def on_time_bound(link: LinkClass, min_utilization: float, gap_slots: int = _GAP_SLOTS) -> float:
    """Return the share of shots on time that no scheduler exceeds if it uses at least this share of its pairs.

    Priced: pairs * served - min_utilization * births >= 0.
    """
    return min(1.0, _minimum(
        lambda price: _value(link, 1 + price * link.pairs, price * min_utilization, gap_slots), 1.0
    ))  # fmt: skip


def precision_bound(link: LinkClass, births: float, gap_slots: int = _GAP_SLOTS) -> float:
    """Return the precision per shot that no scheduler exceeds if it generates at most this many pairs per shot.

    Priced: births - those of the scheduler >= 0. A shot is worth at most 1, so prices above 1 need not be tried.
    """
    return min(1.0, _minimum(lambda price: _precision_value(link, 1.0, price, gap_slots) + price * births, 1.0))


def coupled_objective_bound(
    links: Sequence[LinkClass], channels: int, waste_price: float, gap_slots: int = _GAP_SLOTS
) -> tuple[float, float]:
    """Return a J that no scheduler of links that share this many channels exceeds on average (equal demands), and the
    price of a channel for a shot period at which that is so.

    A link holds a channel for births / (trials * success) shot periods on average; a shot comes with 1 + gap / burst
    shot periods of every channel.
    """
    capacity = sum(channels * (1 + link.gap / link.burst) for link in links) / len(links) ** 2

    def dual(price: float) -> float:
        values = [
            _value(link, 1 + waste_price, waste_price / link.pairs + price / (link.trials * link.success), gap_slots)
            for link in links
        ]
        return sum(values) / len(values) + price * capacity

    free = dual(0.0)
    price = _minimizer(dual, 1.0)
    return (free, 0.0) if free <= dual(price) else (dual(price), price)


def _value(link: LinkClass, shot_value: float, birth_price: float, gap_slots: int) -> float:
    """Return the value of shots that are on time, whatever age has left of their pairs."""
    return _precision_value(replace(link, decay=0.0), shot_value, birth_price, gap_slots)


def _precision_value(link: LinkClass, shot_value: float, birth_price: float, gap_slots: int) -> float:
    return solve(
        link, shot_value=shot_value, birth_price=birth_price, gap_slots=gap_slots, gap_stock=link.slots, relaxed=True
    ).value


def _minimum(function: Callable[[float], float], upper: float) -> float:
    return min(function(0.0), function(_minimizer(function, upper)))


def _minimizer(function: Callable[[float], float], upper: float) -> float:
    """Return where a convex function on [0, upper] is least, to 1e-5 of `upper`."""
    from scipy.optimize import minimize_scalar  # here, because a run needs no bound, and the import takes long

    found = minimize_scalar(function, bounds=(0.0, upper), method="bounded", options={"xatol": 1e-5 * upper})
    return float(found.x)
