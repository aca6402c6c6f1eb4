"""Demands that no plan could serve are refused before anything is planned."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ceas_ray.entanglement.feasibility import refuse_infeasible, shortest_shots
from ceas_ray.entanglement.key_paths import KeyPaths
from ceas_ray.network.complete import Complete
from ceas_ray.network.network_plan import NetworkPlan
from ceas_ray.network.route import Swapping
from tests.entanglement.parts import LINE, SWAP_WERNER, planner_of, small_demand, star

PURIFYING = Swapping(SWAP_WERNER, purification_rounds=1)


def dephasing(network: NetworkPlan) -> NetworkPlan:
    first, *others = network.processor_routes
    legs = tuple(replace(leg, attempt_dephasing=0.01) for leg in first.legs)
    return replace(network, processor_routes=(replace(first, legs=legs), *others))


@pytest.mark.parametrize(("network", "changes"), [
    (star(), {}), (star(Complete()), {}), (star(LINE), {}), (star(), {"finite_keys": True}),
    (dephasing(star()), {}), (dephasing(star(LINE)), {}), (star(LINE), {"finite_keys": True}),
    (star(Complete()).swapping_by(PURIFYING), {}), (star().swapping_by(PURIFYING), {"slots": 7}),
    (star(), {"slots": 6}),
])  # fmt: skip
def test_what_can_be_served_is_not_refused(network: NetworkPlan, changes: dict[str, Any]) -> None:
    refuse_infeasible(network, small_demand(**changes))


@pytest.mark.parametrize(("network", "changes", "message"), [
    (star(), {"slots": 5}, r"slots must be at least the 6 pairs of a shot, got 5"),
    (star().swapping_by(PURIFYING), {"slots": 6}, r"slots must be at least 7, a shot's pairs and one per round"),
])  # fmt: skip
def test_what_no_plan_could_serve_is_refused(network: NetworkPlan, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        refuse_infeasible(network, small_demand(**changes))


@given(shots=st.integers(1, 60), gap=st.floats(2.0, 20.0), is_rotation=st.booleans(), round_index=st.integers(0, 9))
@settings(max_examples=20, deadline=None)
def test_no_plan_is_shorter_than_the_shortest_shots(
    shots: int, gap: float, is_rotation: bool, round_index: int
) -> None:
    network, demand = star(), small_demand(shots=shots, gap_periods=gap, is_rotation=is_rotation, burst_shots=2)
    no_keys = dict.fromkeys(KeyPaths(network, demand), 0.0)
    lasts = planner_of(network, demand).plan(round_index, 0, no_keys).ends_at
    assert 0 < shortest_shots(network, demand) <= lasts
