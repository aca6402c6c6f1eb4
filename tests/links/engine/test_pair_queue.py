"""Pairs of one link that queue meet the same fate as on any route."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from ceas_ray.messages.payloads import StockPolicy
from ceas_ray.network.link_parameters import LinkParameters
from ceas_ray.scheduling.mdp import Mdp
from ceas_ray.scheduling.perishable_chain import LinkClass
from tests.links.routes import serve

TAU = 10**7
POLICIES = (
    StockPolicy(gap_limit=24, burst_limit=24, demand_driven=False),
    StockPolicy(gap_limit=1, burst_limit=4, demand_driven=True, freshest_first=True),
    Mdp(0.2, 0.95, 0.99, 2, 4, 3).stock_policy(LinkClass(9, 3, 4, 3.0, False, 3, 80, 0.06, 80, 4)),
)


@settings(max_examples=80)
@given(
    policy=st.sampled_from(POLICIES), modes=st.sampled_from([1, 2, 16]), success=st.sampled_from([0.02, 0.3, 1.0]),
    slots=st.integers(3, 12), age=st.integers(1, 400), dephasing=st.sampled_from([0.0, 0.01]),
    gaps=st.lists(st.integers(0, 300), min_size=1, max_size=20), seed=st.integers(0, 10**6),
)  # fmt: skip
def test_shots_of_one_link_are_served_to_the_bit_as_by_the_engine_of_all_routes(
    policy: StockPolicy, modes: int, success: float, slots: int, age: int, dephasing: float, gaps: list[int], seed: int,
) -> None:  # fmt: skip
    """A minimal fidelity that every pair has leaves the link to that engine, and changes nothing there."""
    link = LinkParameters(1.0, TAU, modes, success, 0.97, 1e-3, attempt_dephasing=dephasing)
    releases = np.cumsum(gaps) * TAU + np.arange(len(gaps)) * 80 * TAU
    queue, engine = (
        serve(
            [link], policy, seed, releases, np.arange(len(gaps)) % 3 == 1, slots=slots, pairs=3, deadline=80 * TAU,
            slot=80 * TAU, burst=4, useful_age=age * TAU, min_fidelity=least,
        )
        for least in (None, 1e-9)
    )  # fmt: skip
    assert {name: value.tolist() for name, value in queue.items()} == {
        name: value.tolist() for name, value in engine.items()
    }


def test_some_of_these_shots_are_on_time() -> None:
    link = LinkParameters(1.0, TAU, 16, 0.02, 0.97, 1e-3)
    releases = np.arange(40) * 80 * TAU
    found: Any = serve(
        [link], POLICIES[0], 1, releases, np.zeros(40, bool), slots=9, pairs=3, deadline=80 * TAU, slot=80 * TAU,
        burst=4, useful_age=200 * TAU,
    )  # fmt: skip
    assert found["on_time"].sum() > 20
