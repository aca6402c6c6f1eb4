"""The clairvoyant: it serves as many shots as anybody who meets the same outcomes, and wastes next to nothing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ceas_ray.messages.pair_books import GENERATED, USED
from ceas_ray.messages.payloads import StockPolicy
from ceas_ray.network.link_parameters import LinkParameters
from tests.links.routes import bursts, serve

CLAIRVOYANT = StockPolicy(gap_limit=24, burst_limit=24, demand_driven=False, clairvoyant=True)
PERIOD = 10**9


def served(policy: StockPolicy, success: float, modes: int, seed: int, **more: Any) -> Any:
    """Shots of a link whose attempts take a fiftieth of a shot period."""
    link = LinkParameters(1.0, PERIOD // 50, modes, success, 0.97, 0.06)
    releases = bursts(PERIOD, 12, seed)
    return serve([link], policy, seed, releases, np.zeros(len(releases), bool), deadline=PERIOD, slot=PERIOD, **more)


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(
    supply=st.floats(0.5, 3), modes=st.sampled_from([1, 4, 16]), pairs=st.integers(1, 6), seed=st.integers(0, 10**6),
    age=st.floats(0.5, 4), slots=st.integers(6, 24), gap=st.integers(0, 24), burst=st.integers(1, 24),
    demand_driven=st.booleans(),
)  # fmt: skip
def test_nobody_who_meets_the_same_outcomes_serves_more_shots(
    supply: float, modes: int, pairs: int, seed: int, age: float, slots: int, gap: int, burst: int, demand_driven: bool
) -> None:
    success = min(1.0, supply * pairs / (50 * modes))
    more = {"pairs": pairs, "slots": slots, "useful_age": round(age * PERIOD)}
    knowing = served(CLAIRVOYANT, success, modes, seed, **more)["on_time"].sum()
    policy = StockPolicy(gap_limit=gap, burst_limit=burst, demand_driven=demand_driven)
    assert served(policy, success, modes, seed, **more)["on_time"].sum() <= knowing


def test_a_pair_that_would_come_too_early_is_made_when_it_is_young_enough() -> None:
    """One attempt of many succeeds; whoever begins at once has its pair long before the only shot."""
    link, none = LinkParameters(1.0, 10**7, 1, 1.0, 0.97, 0.06), np.zeros(1, bool)
    book = serve(
        [link], CLAIRVOYANT, 1, [10**10], none, pairs=1, slots=1, deadline=10**9, slot=10**9, useful_age=3 * 10**7
    )
    assert book["on_time"].all()
    assert book["counts"][0, 0, GENERATED] == book["counts"][0, 0, USED] == 1
