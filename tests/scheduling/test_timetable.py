"""Schedulers where bursts come by a timetable: what is computed, what is simulated, and what knowing brings."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ceas_ray.scheduling.base_stock import BaseStock
from ceas_ray.scheduling.freshest_first import FreshestFirst
from ceas_ray.scheduling.just_in_time import JustInTime
from ceas_ray.scheduling.oblivious import Oblivious
from ceas_ray.scheduling.on_demand import OnDemand
from ceas_ray.scheduling.perishable_chain import LinkClass, solve
from ceas_ray.scheduling.two_level import TwoLevel
from tests.scheduling.measured import PER_PAIR, SMALL, T1, T2, T4, measured

# --- the chain ----------------------------------------------------------


@pytest.mark.slow
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


@pytest.mark.slow
def test_without_decay_precision_is_the_share_on_time() -> None:
    solution = solve(replace(T1, decay=0.0), shot_value=1.0, birth_price=0.05, gap_slots=1, gap_stock=8)
    assert solution.precision == solution.served


@settings(max_examples=15, deadline=None)
@given(price=st.floats(0.0, 0.4), decay=st.floats(0.0, 0.3), success=st.floats(0.005, 0.05), slots=st.integers(4, 12))
def test_the_relaxed_chain_bounds_precision_too(price: float, decay: float, success: float, slots: int) -> None:
    link = replace(SMALL, decay=decay, success=success, slots=slots)
    most = solve(link, shot_value=1.0, birth_price=price, gap_slots=1, gap_stock=slots, relaxed=True)
    assert most.value >= solve(link, shot_value=1.0, birth_price=price, gap_slots=1, gap_stock=slots).value - 1e-7


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


@pytest.mark.slow
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
