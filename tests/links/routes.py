"""Routes that serve shots or distil keys, built without any plan."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ceas_ray.links.consumers.keys import DistilledKeys, distil_paths
from ceas_ray.links.consumers.shot_demand import ShotDemand
from ceas_ray.links.consumers.shots import serve_shots
from ceas_ray.links.consumers.stock import read_only, stock_rule
from ceas_ray.links.engine.route import RouteModel, RouteRules, RouteState, route_rules
from ceas_ray.messages.payloads import StockPolicy
from ceas_ray.network.link_parameters import LinkParameters
from ceas_ray.network.route import Swapping

PLAIN = Swapping(0.98)


def generator(seed: int) -> np.random.Generator:
    return np.random.Generator(np.random.Philox(seed))


def serve(
    legs: Sequence[LinkParameters], policy: StockPolicy, seed: int, releases: Any, is_test: Any, **more: Any
) -> dict[str, Any]:
    """The books of shots on these legs, and the stock of each leg."""
    asked: dict[str, Any] = {
        "swapping": PLAIN, "slots": 24, "pairs": 6, "deadline": 10**9, "slot": 10**9, "burst": 8, "offset": 0,
        "min_fidelity": None, "useful_age": 3 * 10**9,
    } | more  # fmt: skip
    model = RouteModel.of(legs, asked["swapping"])
    rules = route_rules(
        legs, asked["swapping"], slots=asked["slots"], useful_age=asked["useful_age"],
        min_fidelity=asked["min_fidelity"], corrected=True, stops=False,
    )  # fmt: skip
    demand = ShotDemand(
        start=0, releases=read_only(np.asarray(releases, np.int64)), is_test=read_only(is_test), pairs=asked["pairs"],
        offset=asked["offset"], deadline=asked["deadline"], slot=asked["slot"], burst=asked["burst"],
    )  # fmt: skip
    state = RouteState(generator(seed), model, rules, 0)
    books, stored = serve_shots(state, stock_rule(policy, asked["slots"]), demand)
    return books._asdict() | {"stored": stored}


def distil(
    legs: Sequence[LinkParameters], seed: int, length: int, *, wanted: float = 1e12, slots: int = 24,
    useful_age: int = 10**12, swapping: Swapping = PLAIN,
) -> tuple[float, int, Any]:  # fmt: skip
    """Key bits, the pairs behind them, and every leg's books."""
    rules = route_rules(
        legs, swapping, slots=slots, useful_age=useful_age, min_fidelity=None, corrected=False, stops=True
    )
    found, books = distilled(legs, swapping, rules, seed=seed, length=length, wanted=wanted)
    return float(found.bits[0]), int(found.pairs[0]), books


def distilled(
    legs: Sequence[LinkParameters], swapping: Swapping, rules: RouteRules, *, seed: int, length: int, wanted: float
) -> tuple[DistilledKeys, Any]:
    """What a path distils, and every leg's books."""
    state = RouteState(generator(seed), RouteModel.of(legs, swapping), rules, 0)
    found = distil_paths(state, np.array([length]), np.array([float(wanted)]), [1])
    return found, state.books


def bursts(period: int, number: int, seed: int) -> Any:
    """Releases of `number` bursts of eight shots, with gaps as in regime R0."""
    gaps = np.random.default_rng(seed).exponential(8 * period, number).astype(np.int64)
    starts = np.cumsum(gaps) + np.arange(number) * 8 * period
    return (starts[:, None] + np.arange(8) * period).ravel()
