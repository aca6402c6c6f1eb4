"""Demands that no plan could serve are refused before anything is planned."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ceas_ray.entanglement.feasibility import refuse_infeasible
from ceas_ray.network.complete import Complete
from ceas_ray.network.network_plan import NetworkPlan
from ceas_ray.network.route import Swapping
from tests.entanglement.parts import LINE, SWAP_WERNER, small_demand, star

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
