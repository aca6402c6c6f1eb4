"""The Markov decision process's scheduler: utilization, shots on time, and settings that cannot be."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar

from ceas_ray.scheduling.bounds import on_time_bound
from ceas_ray.scheduling.mdp import Mdp
from ceas_ray.scheduling.perishable_chain import LinkClass, solve
from ceas_ray.scheduling.two_level import TwoLevel
from tests.scheduling.measured import FOUR_PAIRS, MDP, R0, means


@pytest.mark.slow
def test_in_r0_the_mdp_uses_95_percent_and_is_on_time_for_99() -> None:
    found, bound = means(R0, MDP), on_time_bound(R0.relaxed_class(R0.supply), 0.95)
    assert found["utilization"] >= 0.95
    assert found["on_time"] >= 0.99
    assert bound - 0.02 <= found["on_time"] <= bound
    other = means(R0, TwoLevel(1, 14))
    assert found["rounds_per_simulated_second"] >= other["rounds_per_simulated_second"]


def test_where_no_shot_can_be_served_at_the_utilization_wanted_the_mdp_uses_the_most_that_can_be() -> None:
    """T1: a quarter of a shot's pairs in a shot period. Generating nothing would use all of nothing."""
    link = LinkClass(24, 4, 1, 16.0, True, 8, 800, 0.00125, 784, 16)
    found = replace(MDP, gap_slots=1).solved(link)
    assert found.served > 0.05
    assert 0.7 < found.utilization(link.pairs) < MDP.min_utilization


@pytest.mark.slow
@pytest.mark.parametrize("link", [
    FOUR_PAIRS, replace(FOUR_PAIRS, pairs=6, trials=720, first_trials=700),
    replace(FOUR_PAIRS, success=0.2, trials=24, first_trials=24, modes=8),
])  # fmt: skip
def test_where_both_cannot_be_had_the_mdp_is_on_time_as_often_as_utilization_allows(link: LinkClass) -> None:
    found = MDP.solved(link)
    assert found.served < MDP.min_on_time
    assert found.utilization(link.pairs) == pytest.approx(0.95, abs=1e-6)
    dual = minimize_scalar(
        lambda price: (
            solve(
                link,
                shot_value=1 + price * link.pairs,
                birth_price=price * 0.95,
                gap_slots=MDP.gap_slots,
                gap_stock=MDP.gap_stock,
            ).value
        ),
        bounds=(0, 3),
        method="bounded",
        options={"xatol": 1e-3},
    )
    assert dual.fun - 2e-4 <= found.served <= dual.fun + 1e-6, "the most by weak duality"


@pytest.mark.slow
@settings(max_examples=10, deadline=None)
@given(supply=st.floats(0.8, 3), pairs=st.integers(1, 6), age=st.integers(2, 3), least=st.floats(0.5, 0.99))
def test_the_mdp_never_leaves_utilization_unused_while_shots_are_late(
    supply: float, pairs: int, age: int, least: float
) -> None:
    trials = max(1, round(supply * pairs / 0.02))
    link = LinkClass(12, pairs, 4, 4.0, False, age, trials, 0.02, trials, 16)
    found = replace(MDP, min_utilization=least).solved(link)
    utilization = found.utilization(pairs)
    if utilization < least - 1e-6:
        most_used = replace(MDP, objective="precision_per_pair", min_on_time=0.0).solved(link)
        assert utilization == pytest.approx(most_used.utilization(pairs), abs=1e-3), "nobody can use as many"
        assert found.served > 0
        return
    if found.served < MDP.min_on_time - 1e-9:
        most = replace(MDP, waste_price=0.0, min_utilization=0.0).solved(link)
        assert utilization <= least + 1e-6 or found.served >= most.served - 1e-6


def test_the_mdp_says_what_is_wrong_with_its_settings() -> None:
    with pytest.raises(ValueError, match=r"min_utilization must be a number in \[0, 1\], got 1.5"):
        Mdp(0.2, 1.5, 0.99, 2, 6, 4)
    with pytest.raises(ValueError, match=r"waste_price must be a number in \[0, 1000\], got -0.2"):
        Mdp(-0.2, 0.95, 0.99, 2, 6, 4)
