"""Schedulers where bursts come by a timetable: what is computed, what is simulated, and what knowing brings."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ceas_ray.kernel.policy_calls import PolicyError
from ceas_ray.kernel.streams import Streams
from ceas_ray.links.consumers.shots import ShotBooks, ShotDemand, serve_shots
from ceas_ray.links.consumers.stock import read_only, stock_rule
from ceas_ray.links.engine.route import RouteModel, RouteRules, RouteState
from ceas_ray.messages.payloads import JustInTimePolicy, StockPolicy, TimeSharedPolicy
from ceas_ray.network.link_parameters import LinkParameters
from ceas_ray.network.route import Swapping
from ceas_ray.scheduling.base_stock import BaseStock
from ceas_ray.scheduling.bounds import precision_bound
from ceas_ray.scheduling.checked_scheduler import CheckedScheduler
from ceas_ray.scheduling.clairvoyant import Clairvoyant
from ceas_ray.scheduling.freshest_first import FreshestFirst
from ceas_ray.scheduling.just_in_time import JustInTime
from ceas_ray.scheduling.mdp import Mdp
from ceas_ray.scheduling.oblivious import Oblivious
from ceas_ray.scheduling.on_demand import OnDemand
from ceas_ray.scheduling.perishable_chain import LinkClass, solve
from ceas_ray.scheduling.time_sharing import TimeSharing
from ceas_ray.scheduling.two_level import TwoLevel

PERIOD = 10**9
PER_PAIR = Mdp(0.0, 0.0, 0.0, 1, 16, 12, objective="precision_per_pair")
T1 = LinkClass(24, 4, 1, 16.0, True, 8, 800, 0.00125, 800, 16, 1 / 30)
T2, T4 = replace(T1, burst=2), replace(T1, burst=4, gap=12.0, classes=6, success=0.002)
SMALL = LinkClass(12, 2, 2, 5.0, True, 4, 40, 0.02, 40, 8, 0.05)


def served(link: LinkClass, policy: StockPolicy, *, gap: int, bursts: int, seed: int) -> tuple[ShotBooks, float]:
    """What becomes of the shots of a link, and the Werner parameter of a fresh pair."""
    starts = np.arange(1, bursts + 1) * gap + np.arange(bursts) * link.burst
    releases = ((starts[:, None] + np.arange(link.burst)) * PERIOD).ravel()
    coherence = 2 * PERIOD * 1e-12 / link.decay
    leg = LinkParameters(1e-9, PERIOD // link.attempts, link.modes, link.success, 0.97, coherence)
    model = RouteModel.of([leg], Swapping(1.0), signalling=False)
    rules = RouteRules(link.slots, link.classes * PERIOD, 0.0, corrected=True, stops=False)
    books, _ = serve_shots(
        RouteState(Streams(seed).generator("test", "test", "pairs", 0), model, rules, 0),
        stock_rule(policy, link.slots),
        ShotDemand(0, read_only(releases), read_only(np.zeros(len(releases), bool)), link.pairs, 0, PERIOD, PERIOD,
                   link.burst),
    )  # fmt: skip
    return books, (4 * 0.97 - 1) / 3


def measured(link: LinkClass, scheduler: Any, *, gap: int = 24, bursts: int = 1500, seed: int = 1) -> Any:
    """Per shot: births, share on time, precision."""
    books, fresh = served(link, scheduler.stock_policy(link), gap=gap, bursts=bursts, seed=seed)
    shots = len(books.on_time)
    precision = np.sum(np.mean(books.werner[books.on_time] / fresh, axis=1) ** link.pairs) / shots
    return np.array([books.counts[0, 0, 0] / shots, books.on_time.mean(), precision])


# --- the chain ----------------------------------------------------------


@pytest.mark.parametrize("link", [
    replace(T1, trials=16, success=0.0625, first_trials=16, slots=4),
    replace(T2, trials=16, success=0.0625, first_trials=16, slots=8),
    replace(SMALL, trials=8, success=0.1, first_trials=8, slots=4),
])  # fmt: skip
def test_computed_births_shots_and_precision_are_those_of_the_slotted_simulator(link: LinkClass) -> None:
    """With one attempt in a slot every pair of a class has one age, and the chain is exact."""
    solved = PER_PAIR.solved(link)
    runs = np.array([measured(link, PER_PAIR, gap=int(link.gap), bursts=1500, seed=seed) for seed in range(8)])
    for computed, found in zip((solved.births, solved.served, solved.precision), runs.T, strict=True):
        assert abs(found.mean() - computed) < 4 * found.std(ddof=1) / len(found) ** 0.5 + 1e-4


def test_without_decay_precision_is_the_share_on_time() -> None:
    solution = solve(replace(T1, decay=0.0), shot_value=1.0, birth_price=0.05, gap_slots=1, gap_stock=8)
    assert solution.precision == solution.served


@settings(max_examples=15, deadline=None)
@given(price=st.floats(0.0, 0.4), decay=st.floats(0.0, 0.3), success=st.floats(0.005, 0.05), slots=st.integers(4, 12))
def test_the_relaxed_chain_bounds_precision_too(price: float, decay: float, success: float, slots: int) -> None:
    link = replace(SMALL, decay=decay, success=success, slots=slots)
    most = solve(link, shot_value=1.0, birth_price=price, gap_slots=1, gap_stock=slots, relaxed=True)
    assert most.value >= solve(link, shot_value=1.0, birth_price=price, gap_slots=1, gap_stock=slots).value - 1e-7


@pytest.mark.parametrize("link", [T1, SMALL], ids=["T1", "small"])
def test_nobody_has_more_precision_than_the_bound_at_the_pairs_that_it_generates(link: LinkClass) -> None:
    others = [Oblivious(), FreshestFirst(), OnDemand(), BaseStock(4), JustInTime(3.0), TwoLevel(3, 24), PER_PAIR]
    for scheduler in others:
        births, _, precision = np.mean([measured(link, scheduler, bursts=800, seed=seed) for seed in (1, 2)], axis=0)
        assert precision <= precision_bound(link, births) + 0.01


def test_the_chain_of_a_link_that_forgets_needs_hardly_more_stock_than_a_burst_can_use() -> None:
    assert PER_PAIR.seen(T1).slots == 4
    assert PER_PAIR.seen(replace(T1, gap=5.0)).slots > 4, "pairs that outlive a gap serve the burst after it"
    enough, more = (
        solve(replace(SMALL, slots=slots), shot_value=1.0, birth_price=0.05, gap_slots=1, gap_stock=slots)
        for slots in (4, 8)
    )
    assert 0 <= more.value - enough.value < 0.005, "what one attempt heralds beyond is lost"


def test_more_shots_on_time_cost_precision_per_pair() -> None:
    ratios, link = [], T1
    for least in (0.0, 0.6, 0.8):
        solved = replace(PER_PAIR, min_on_time=least).solved(link)
        assert solved.served >= least - 1e-6
        ratios.append(solved.precision / solved.births)
    assert ratios == sorted(ratios, reverse=True)


# --- who knows it, and who does not -----------------------------------------------------


@pytest.mark.parametrize(("link", "times"), [(T1, 3.0), (T2, 2.0), (T4, 1.1)], ids=["T1", "T2", "T4"])
def test_who_knows_the_timetable_has_more_precision_per_pair_than_any_who_does_not(
    link: LinkClass, times: float
) -> None:
    def per_pair(scheduler: Any) -> float:
        births, _, precision = measured(link, scheduler)
        return float(precision / births)

    oblivious = [
        Oblivious(),
        FreshestFirst(),
        OnDemand(),
        *map(BaseStock, (4, 6, 8)),
        *(TwoLevel(g, 24) for g in (1, 3)),
    ]
    best = max(map(per_pair, oblivious))
    knowing = max(per_pair(JustInTime(lead)) for lead in (2.0, 4.0))
    optimal = per_pair(PER_PAIR)
    assert optimal > times * best
    assert optimal > knowing > best


def test_just_in_time_makes_nothing_before_its_lead() -> None:
    """Pairs are younger than the lead and the burst together; without a lead it is generation on demand."""
    for lead in (0.5, 2.0, 4.0):
        books, fresh = served(T4, JustInTime(lead).stock_policy(T4), gap=24, bursts=300, seed=1)
        oldest = -np.log(books.werner[books.on_time].min() / fresh) / T4.decay
        assert oldest <= lead + T4.burst + 0.01
    at_once, on_demand = measured(T4, JustInTime(0.0)), measured(T4, OnDemand())
    assert np.array_equal(at_once, on_demand)


def test_a_lead_longer_than_the_gap_is_the_whole_gap() -> None:
    assert np.array_equal(measured(T4, JustInTime(24.0)), measured(T4, JustInTime(1e4)))


def test_just_in_time_refuses_bursts_at_random() -> None:
    with pytest.raises(ValueError, match=r"entanglement\.demand must be rotation for scheduling=just_in_time"):
        JustInTime(3.0).stock_policy(replace(T1, periodic=False))


def test_time_sharing_lies_between_its_two_schedulers() -> None:
    first, second = measured(T4, OnDemand(), bursts=4000), measured(T4, FreshestFirst(), bursts=4000)
    for share in (0.0, 0.3, 1.0):
        found = measured(T4, TimeSharing(OnDemand(), FreshestFirst(), share), bursts=4000)
        np.testing.assert_allclose(found, first + share * (second - first), atol=0.15 if share == 0.3 else 1e-12)


@pytest.mark.parametrize("other", [Clairvoyant(), JustInTime(2.0), PER_PAIR, TimeSharing(OnDemand(), Oblivious(), 0.5)])
def test_time_sharing_takes_schedulers_of_stock_limits_alone(other: Any) -> None:
    with pytest.raises(ValueError, match=r"scheduling\.second must be a scheduler of two stock limits"):
        TimeSharing(OnDemand(), other, 0.5).stock_policy(T1)


def test_base_stock_holds_no_more_than_its_limit() -> None:
    books, _ = served(T4, BaseStock(2).stock_policy(T4), gap=24, bursts=50, seed=1)
    assert not books.on_time.any(), "two pairs are never enough for a shot of four"
    assert measured(T4, BaseStock(4))[1] > 0


@pytest.mark.parametrize(("policy", "complaint"), [
    (JustInTimePolicy(gap_limit=0, burst_limit=1, demand_driven=True, lead_periods=-1.0), "lead_periods >= 0"),
    (JustInTimePolicy(gap_limit=0, burst_limit=1, demand_driven=True, lead_periods=np.inf), "lead_periods >= 0"),
    (TimeSharedPolicy(gap_limit=0, burst_limit=1, demand_driven=True, second_share=2.0,
                      second=StockPolicy(gap_limit=0, burst_limit=1, demand_driven=True)), r"second_share in \[0, 1\]"),
    (TimeSharedPolicy(gap_limit=0, burst_limit=1, demand_driven=True, second_share=0.5,
                      second=StockPolicy(gap_limit=0, burst_limit=99, demand_driven=True)), "burst_limit an integer"),
    (TimeSharedPolicy(gap_limit=0, burst_limit=1, demand_driven=True, second_share=0.5,
                      second=StockPolicy(gap_limit=0, burst_limit=1, demand_driven=True, clairvoyant=True)),
     "second a StockPolicy of limits alone"),
])  # fmt: skip
def test_a_policy_of_ones_own_that_no_link_can_follow_is_refused(policy: StockPolicy, complaint: str) -> None:
    class Own:
        def stock_policy(self, link: LinkClass) -> StockPolicy:
            return policy

    with pytest.raises(PolicyError, match=complaint):
        CheckedScheduler(Own()).stock_policy(T1)
