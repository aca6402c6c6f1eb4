"""Pairs over several links, for researchers: when they come, and how good they are."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ceas_ray.kernel.time import FOREVER, PICOSECONDS_PER_SECOND, picoseconds, seconds
from ceas_ray.links.consumers.deliveries import deliver
from ceas_ray.links.engine.route import RouteModel, RouteState, route_rules
from ceas_ray.network.route import Route


@dataclass(frozen=True)
class Deliveries:
    """End-to-end pairs, each taken away when it may be used.

    times_seconds (n,): since the start. fidelities (n,): at those times. counts (legs, 5): pairs of every link:
    generated, used, late (none), expired (failed swaps too), sacrificed to purification. stored (legs,): left over.
    """

    times_seconds: NDArray[np.float64]
    fidelities: NDArray[np.float64]
    counts: NDArray[np.int64]
    stored: NDArray[np.int64]


def simulate_route(
    generator: np.random.Generator,
    route: Route,
    pairs: int,
    *,
    slots: int = 1,
    useful_age_seconds: float = math.inf,
    min_fidelity: float | None = None,
    signalling: bool = True,
    until_seconds: float = math.inf,
) -> Deliveries:
    """Deliver end-to-end pairs over a route until there are `pairs` of them or the time is over.

    slots: memory slots of every link at each of its ends. useful_age_seconds: since emission; a pair that is older is
    given up, swapped or not (with one mode, attempt period tau and useful age (m + 1) tau: m further attempts).
    min_fidelity: an end-to-end pair below it is given up. signalling: whether the outcomes of swaps and purification
    travel at L / c; otherwise they are known everywhere at once. Raises ValueError for what cannot be.

    Example:
        >>> from ceas_ray.network.link_parameters import LinkParameters
        >>> from ceas_ray.network.route import Route, Swapping
        >>> link = LinkParameters(1.0, 10**7, 1, 0.1, 0.95, 1.0)
        >>> route = Route.of([link, link], Swapping(werner=1.0))
        >>> found = simulate_route(np.random.default_rng(1), route, 1000)
        >>> bool(abs(found.fidelities.mean() - 0.9033) < 0.01)
        True
    """
    swapping = route.swapping
    rounds = swapping.max_rounds(route.legs)
    if slots <= rounds:
        raise ValueError(f"slots must exceed the {rounds} rounds of purification, got {slots}")
    if pairs < 0 or not 0 < swapping.success <= 1 or not 0 <= swapping.werner <= 1:
        raise ValueError(
            f"pairs must be >= 0, the swap's success in (0, 1] and its werner in [0, 1], got {pairs}, "
            f"{swapping.success} and {swapping.werner}"
        )
    longest = max(leg.attempt_period for leg in route.legs)
    age, until = _bounded(useful_age_seconds), _bounded(until_seconds)
    if age < longest and until == FOREVER // 4:
        raise ValueError(
            f"useful_age_seconds must be at least the longest attempt, {seconds(longest)}, got {useful_age_seconds}"
        )
    if min_fidelity is not None and route.fidelity < min_fidelity and until == FOREVER // 4:
        raise ValueError(f"min_fidelity must be below the {route.fidelity:.4f} of a fresh pair, got {min_fidelity}")
    rules = route_rules(
        route.legs, swapping, slots=slots, useful_age=age, min_fidelity=min_fidelity, corrected=True, stops=True
    )
    model = RouteModel.of(route.legs, swapping, signalling)
    state = RouteState(generator, model, rules, 0)
    times, fidelities = np.zeros(pairs, np.int64), np.zeros(pairs)
    found: Any = deliver(state.address, until, times, fidelities)
    delivered, stored = found
    return Deliveries(
        times[:delivered] / PICOSECONDS_PER_SECOND, fidelities[:delivered], state.books, np.asarray(stored)
    )


def _bounded(value: float) -> int:
    """Return picoseconds, at most a quarter of FOREVER, so that sums of such times are still times."""
    return FOREVER // 4 if value * PICOSECONDS_PER_SECOND >= FOREVER // 4 else picoseconds(value)
