"""Shots served from a route: the reference regime, exact books, every scheduler, one link and more."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ceas_ray.messages.pair_books import EXPIRED, GENERATED, LATE, SACRIFICED, TESTING, TRAINING, USED
from ceas_ray.messages.payloads import StockPolicy
from ceas_ray.network.link_parameters import LinkParameters
from ceas_ray.network.memories import Dephasing, Relaxing
from ceas_ray.network.route import Swapping
from ceas_ray.scheduling.clairvoyant import Clairvoyant
from ceas_ray.scheduling.freshest_first import FreshestFirst
from ceas_ray.scheduling.mdp import Mdp
from ceas_ray.scheduling.oblivious import Oblivious
from ceas_ray.scheduling.on_demand import OnDemand
from ceas_ray.scheduling.perishable_chain import LinkClass
from ceas_ray.scheduling.two_level import TwoLevel
from tests.links.routes import bursts, serve
from tests.network.hardware import HARDWARE

SCHEDULERS = (Oblivious(), OnDemand(), FreshestFirst(), TwoLevel(1, 7), Mdp(0.2, 0.95, 0.99, 2, 4, 3), Clairvoyant())
BOOKED = [USED, LATE, EXPIRED, SACRIFICED]


def regime_r0(policy: StockPolicy, seed: int, length_km: float = 1.0, number: int = 2000) -> dict[str, Any]:
    link = HARDWARE.link(length_km, 0.97)
    period = round(1.6 * 6 / link.rate * 1e12)
    releases = bursts(period, number, seed)
    is_test = np.random.default_rng(seed + 100).random(len(releases)) < 0.03
    return serve([link], policy, seed, releases, is_test, deadline=period, slot=period, useful_age=3 * period)


@pytest.mark.parametrize("length_km", [0.5, 1.0, 4.5])
@pytest.mark.parametrize(
    ("policy", "utilization", "on_time"),
    [
        (StockPolicy(gap_limit=24, burst_limit=24, demand_driven=False), 0.402, 1.0),
        (StockPolicy(gap_limit=1, burst_limit=14, demand_driven=True), 0.952, 0.993),
    ],
)
def test_regime_r0_is_as_measured_independently(
    policy: StockPolicy, utilization: float, on_time: float, length_km: float
) -> None:
    for seed in range(3):
        book = regime_r0(policy, seed, length_km)
        used, generated = (book["counts"][..., column].sum() for column in (USED, GENERATED))
        assert used / generated == pytest.approx(utilization, abs=0.03)
        assert book["on_time"].mean() == pytest.approx(on_time, abs=0.03)


def test_whoever_knows_all_outcomes_is_on_time_and_wastes_least() -> None:
    best = regime_r0(StockPolicy(gap_limit=24, burst_limit=24, demand_driven=False, clairvoyant=True), 1)
    rule = regime_r0(StockPolicy(gap_limit=1, burst_limit=14, demand_driven=True), 1)
    assert best["on_time"].mean() >= rule["on_time"].mean()
    wasted = [book["counts"][..., GENERATED].sum() - book["counts"][..., USED].sum() for book in (best, rule)]
    assert wasted[0] < wasted[1]


def test_tests_find_the_error_rate_of_the_pairs_at_use() -> None:
    book = regime_r0(StockPolicy(gap_limit=1, burst_limit=14, demand_driven=True), 5, number=8000)
    expected = (1 - book["werner"][book["on_time"]].mean()) / 2
    tested, errors = book["tested"].sum(), book["errors"].sum()
    assert tested == book["counts"][0, TESTING, USED]
    assert abs(errors / tested - expected) < 4 * np.sqrt(expected * (1 - expected) / tested)


def test_the_nth_trial_of_a_link_has_the_same_outcome_whatever_the_policy() -> None:
    """Always on, or only while a shot needs pairs: the first pair comes at the same attempt."""
    link = LinkParameters(1.0, 10**7, 1, 0.05, 0.97, 0.06)
    releases, none = np.array([2 * 10**10]), np.zeros(1, bool)
    first = [
        serve([link], policy, seed, releases, none, pairs=1, useful_age=10**12, slots=1, slot=10**12)["events"][0, 1]
        for seed in range(5)
        for policy in (
            StockPolicy(gap_limit=1, burst_limit=1, demand_driven=False),
            StockPolicy(gap_limit=1, burst_limit=0, demand_driven=False),
        )
    ]
    assert first[::2] == first[1::2]


def assert_every_pair_is_in_one_book(book: dict[str, Any], slots: int, pairs: int) -> None:
    counts, stored = book["counts"], book["stored"]
    assert (counts >= 0).all()
    assert ((stored >= 0) & (stored <= slots)).all()
    spent = counts[:, :, BOOKED].sum(axis=2)
    np.testing.assert_array_equal(counts[:, TRAINING, GENERATED], spent[:, TRAINING] + stored)
    np.testing.assert_array_equal(counts[:, TESTING, GENERATED], spent[:, TESTING])
    served = (book["werner"] != 0).all(axis=1)
    assert (counts[:, :, [USED, LATE]].sum(axis=(1, 2)) == pairs * served.sum()).all(), "one pair of every link each"
    assert (served >= book["on_time"]).all()
    assert (counts[:, TESTING, USED] + counts[:, TESTING, LATE] == book["tested"].sum()).all()


MEMORIES = (None, (Dephasing(0.02), Dephasing(0.03)), (Relaxing(0.04, 0.02), Relaxing(0.1, 0.03)))


@pytest.mark.slow
@settings(max_examples=100, deadline=None)
@given(
    scheduler=st.sampled_from(SCHEDULERS), lengths=st.lists(st.floats(0.1, 20), min_size=1, max_size=4),
    rounds=st.integers(0, 2), success=st.sampled_from([1.0, 0.7]), memories=st.sampled_from(MEMORIES),
    dephasing=st.sampled_from([0.0, 0.01]), order=st.sampled_from(["as_soon_as_possible", "in_order"]),
    age=st.floats(1, 3.9), pairs=st.integers(1, 3), seed=st.integers(0, 10**6), tests=st.floats(0, 1),
    number=st.integers(1, 6), least=st.sampled_from([None, 0.7]), offset=st.integers(0, 10**8),
)  # fmt: skip
def test_every_scheduler_accounts_for_every_pair_of_every_link(
    scheduler: Any, lengths: list[float], rounds: int, success: float, memories: Any, dephasing: float, order: Any,
    age: float, pairs: int, seed: int, tests: float, number: int, least: float | None, offset: int,
) -> None:  # fmt: skip
    if isinstance(scheduler, Clairvoyant):
        rounds, success = 0, 1.0
    weights = None if memories is None else (0.97, 0.01, 0.0, 0.02)
    legs = [
        LinkParameters(length, HARDWARE.link(length, 0.97).attempt_period, 16, 0.012, 0.97, 0.06, weights, memories,
                       dephasing)
        for length in lengths
    ]  # fmt: skip
    period = round(1.6 * pairs / legs[0].rate * 1e12)
    link_class = LinkClass(9, pairs, 8, 8.0, False, int(age), 400, 0.012, 400, 16)
    releases = bursts(period, number, seed)
    is_test = np.random.default_rng(seed).random(len(releases)) < tests
    swapping = Swapping(0.98, success, rounds, order)
    book = serve(
        legs, scheduler.stock_policy(link_class), seed, releases, is_test, pairs=pairs, slots=9, swapping=swapping,
        deadline=period, slot=period, useful_age=round(age * period), min_fidelity=least, offset=offset,
    )  # fmt: skip
    assert_every_pair_is_in_one_book(book, 9, pairs)
    counts = book["counts"]
    assert rounds > 0 or counts[:, :, SACRIFICED].sum() == 0
    served = (book["werner"] != 0).all(axis=1)
    if served.any() and memories is None:
        latency = sum(leg.latency for leg in legs)
        last = 0.98 * math.exp(-latency * 1e-12 / 0.06)
        fresh = 0.96 if rounds == 0 else 1.0
        assert book["werner"][served].max() <= last * fresh ** len(legs) * 0.98 ** (len(legs) - 1) + 1e-12
        if least is not None and dephasing == 0:
            assert book["events"][served, 1].min() >= pairs * least - 1e-9
        if len(legs) == 1 and rounds == 0 and dephasing == 0:
            oldest = last * 0.96 * math.exp(-2 * age * period * 1e-12 / 0.06)
            assert (book["werner"][served] >= oldest - 1e-9).all()


def test_pairs_that_are_needed_later_are_spent_later() -> None:
    link, none = LinkParameters(1.0, 10**7, 1, 1.0, 1.0, 0.06), np.zeros(1, bool)
    now, later = (
        serve(
            [link],
            StockPolicy(gap_limit=2, burst_limit=2, demand_driven=False),
            1,
            [10**9],
            none,
            pairs=1,
            slots=2,
            offset=offset,
        )
        for offset in (0, 7 * 10**6)
    )
    assert later["events"][0, 0] - now["events"][0, 0] == 7 * 10**6


def certain(modes: int) -> LinkParameters:
    """A link whose every attempt heralds a pair in each of its modes."""
    return LinkParameters(1.0, 10**7, modes, 1.0, 0.97, 0.06)


@settings(max_examples=40)
@given(
    modes=st.integers(1, 16), slots=st.integers(6, 24), burst=st.integers(1, 24), seed=st.integers(0, 10**6),
    age=st.integers(2 * 10**7, 10**9),
)  # fmt: skip
def test_every_pair_that_a_made_attempt_heralds_is_generated(
    modes: int, slots: int, burst: int, seed: int, age: int
) -> None:
    releases = np.cumsum(np.random.default_rng(seed).integers(10**8, 3 * 10**8, 20))
    policy = StockPolicy(gap_limit=0, burst_limit=min(burst, slots), demand_driven=True)
    book = serve(
        [certain(modes)], policy, seed, releases, np.zeros(20, bool), deadline=10**8, slot=10**8, burst=1, slots=slots,
        useful_age=age,
    )  # fmt: skip
    row = book["counts"][0, TRAINING]
    assert row[GENERATED] > 0 and row[GENERATED] % modes == 0
    assert row[GENERATED] == row[USED] + row[EXPIRED] + book["stored"][0]
