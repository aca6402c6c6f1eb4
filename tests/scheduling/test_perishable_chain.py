"""The decision process of a link: against enumeration of all policies, against the slotted simulator, as a bound."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ceas_ray.kernel.streams import Streams
from ceas_ray.links.consumers.shot_demand import ShotDemand
from ceas_ray.links.consumers.shots import serve_shots
from ceas_ray.links.consumers.stock import read_only, stock_rule
from ceas_ray.links.engine.route import RouteModel, RouteRules, RouteState
from ceas_ray.messages.payloads import BirthTables, StockPolicy
from ceas_ray.network.link_parameters import LinkParameters
from ceas_ray.network.route import Swapping
from ceas_ray.scheduling.births_of_a_slot import binomial
from ceas_ray.scheduling.perishable_chain import LinkClass, solve

R0 = LinkClass(24, 6, 8, 8.0, False, 3, 800, 0.012, 784, 16)


def best_by_enumeration(link: LinkClass, price: float) -> float:
    """The most value per shot over all stationary policies of a chain with one class of age (K = 2) and M = 1."""
    stocks = range(link.slots + 1)
    mass, first = (binomial(t, link.success, link.slots) for t in (link.trials, link.first_trials))
    limits = [range(link.slots - n + 1) for n in stocks]
    phases = round(link.gap) if link.periodic else 1
    best = -math.inf
    for tables in itertools.product(itertools.product(*limits), repeat=phases + link.burst):
        transition, reward = np.eye(link.slots + 1), np.zeros(link.slots + 1)

        def slot(table: Any, shot: bool, draws: Any) -> tuple[Any, Any]:
            moves, gain = np.zeros((link.slots + 1,) * 2), np.zeros(link.slots + 1)
            for n in stocks:
                for x, p in enumerate(draws):
                    births = min(x, table[n], link.slots)
                    served = shot and n + births >= link.pairs
                    left = births - max(0, link.pairs - n) if served else births
                    moves[n, left] += p
                    gain[n] += p * (float(served) - price * births)
            return moves, gain

        if link.periodic:
            for table in reversed(tables[:phases]):
                moves, gain = slot(table, False, mass)
                reward, transition = reward + transition @ gain, transition @ moves
        else:
            ends = 1 - math.exp(-1 / link.gap)
            moves, gain = slot(tables[0], False, mass)
            stays = np.linalg.inv(np.eye(link.slots + 1) - (1 - ends) * moves)
            reward, transition = (1 - ends) * stays @ gain, ends * stays
        for left in range(link.burst, 0, -1):
            moves, gain = slot(tables[phases + left - 1], True, first if left == link.burst else mass)
            reward, transition = reward + transition @ gain, transition @ moves
        stationary = np.linalg.matrix_power(transition, 256)[0]
        best = max(best, float(stationary @ reward) / link.burst)
    return best


@pytest.mark.parametrize("link", [
    LinkClass(2, 2, 1, 1.5, False, 2, 3, 0.4, 2),
    LinkClass(2, 1, 2, 0.7, False, 2, 2, 0.5, 2),
    LinkClass(2, 2, 1, 1.0, True, 2, 3, 0.5, 3),
    LinkClass(2, 1, 1, 2.0, True, 2, 1, 0.3, 1),
])  # fmt: skip
@pytest.mark.parametrize("price", [0.02, 0.1, 0.3])
def test_no_policy_of_a_small_chain_is_better(link: LinkClass, price: float) -> None:
    assert solve(link, shot_value=1.0, birth_price=price, gap_slots=1, gap_stock=2).value == pytest.approx(
        best_by_enumeration(link, price), abs=1e-7
    )


def slotted(link: LinkClass, solution: Any, bursts: int, seed: int) -> tuple[Any, Any]:
    """The simulator with slots of whole attempts: births per burst and shots served per burst, (bursts,) each."""
    attempts, slot = link.trials // link.modes, link.trials // link.modes * 10**6
    generator = Streams(seed).generator("test", "test", "gaps", 0)
    gaps = np.floor(generator.exponential(link.gap, bursts)) if not link.periodic else np.full(bursts, link.gap)
    starts = np.cumsum(gaps.astype(np.int64)) + np.arange(bursts) * link.burst
    releases = ((starts[:, None] + np.arange(link.burst)) * slot).ravel()
    leg = LinkParameters(1e-9, slot // attempts, link.modes, link.success, 0.925, 1.0)
    tables = BirthTables(
        gap_births=solution.gap_births[None], burst_births=solution.burst_births[None], second_share=0.0, gap_slots=1,
        gap_stock=link.slots, classes=link.classes,
    )  # fmt: skip
    model = RouteModel.of([leg], Swapping(1.0), signalling=False)
    rules = RouteRules(link.slots, link.classes * slot, 0.0, corrected=True, stops=False)
    books, _ = serve_shots(
        RouteState(Streams(seed).generator("test", "test", "pairs", 0), model, rules, 0),
        stock_rule(StockPolicy(gap_limit=0, burst_limit=link.slots, demand_driven=True, tables=tables), link.slots),
        ShotDemand(0, read_only(releases), read_only(np.zeros(len(releases), bool)), link.pairs, 0, slot, slot,
                   link.burst),
    )  # fmt: skip
    return books.counts[0, 0, 0] / bursts, books.on_time.reshape(bursts, link.burst).sum(axis=1)


@pytest.mark.parametrize(("link", "price"), [
    (LinkClass(24, 6, 8, 8.0, False, 3, 800, 0.012, 800), 0.008),
    (LinkClass(24, 6, 8, 8.0, False, 3, 800, 0.012, 800), 0.03),
    (LinkClass(12, 6, 8, 12.0, True, 2, 750, 0.012, 750), 0.02),
    (LinkClass(9, 3, 4, 3.0, False, 4, 20, 0.2, 20), 0.05),
    (LinkClass(24, 6, 8, 8.0, False, 3, 800, 0.012, 800, 16), 0.01),
    (LinkClass(24, 4, 8, 8.0, False, 4, 640, 0.0125, 640, 16), 0.02),
    (LinkClass(24, 3, 4, 3.0, False, 3, 24, 0.2, 24, 8), 0.05),
])  # fmt: skip
def test_computed_averages_are_those_of_the_slotted_simulator(link: LinkClass, price: float) -> None:
    solution = solve(link, shot_value=1.0, birth_price=price, gap_slots=1, gap_stock=link.slots)
    runs = [slotted(link, solution, 1500, seed) for seed in range(8)]
    for computed, found in (
        (solution.births * link.burst, np.array([births for births, _ in runs])),
        (solution.served * link.burst, np.array([served.mean() for _, served in runs])),
    ):
        error = max(float(found.std(ddof=1)) / len(found) ** 0.5, 2e-4)
        assert abs(found.mean() - computed) < 4 * error


@settings(max_examples=15)
@given(price=st.floats(0.0, 0.1), slots=st.integers(6, 24), classes=st.integers(1, 3))
def test_the_relaxed_chain_is_worth_at_least_as_much(price: float, slots: int, classes: int) -> None:
    link = LinkClass(slots, 6, 8, 8.0, False, classes, 800, 0.012, 784, 16)
    assert (
        solve(link, shot_value=1.0, birth_price=price, gap_slots=1, gap_stock=slots, relaxed=True).value
        >= solve(link, shot_value=1.0, birth_price=price, gap_slots=1, gap_stock=6).value - 1e-7
    )


def test_dearer_births_are_fewer() -> None:
    solutions = [
        solve(R0, shot_value=1.0, birth_price=price, gap_slots=2, gap_stock=6)
        for price in (0.0, 0.005, 0.01, 0.02, 0.05)
    ]
    for cheap, dear in itertools.pairwise(solutions):
        assert dear.births <= cheap.births + 1e-7
        assert dear.served <= cheap.served + 1e-7


@pytest.mark.parametrize(("wrong", "complaint"), [
    ({"slots": 5}, "slots must hold the 6 pairs"),
    ({"classes": 0}, "useful for at least one shot period"),
    ({"success": 0.0}, "must succeed now and then"),
])  # fmt: skip
def test_a_demand_that_a_link_cannot_serve_is_refused(wrong: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        LinkClass(**(vars(R0) | wrong))
