"""Several routes to one processor at the same time: their shares, and the networks that have them."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ceas_ray.entanglement.leases import plan_phases
from ceas_ray.network.grid import Grid
from ceas_ray.network.line import Line
from ceas_ray.network.parallel_routes import ParallelRoutes
from ceas_ray.network.ring import Ring
from ceas_ray.network.route import Route, Swapping
from tests.entanglement.demands import demand
from tests.network.hardware import HARDWARE
from tests.network.networks import built


def routes_of(*success: float) -> ParallelRoutes:
    link = HARDWARE.link(1.0, 0.97)
    return ParallelRoutes(
        tuple(Route.of([replace(link, success_probability=one)] * (n + 1), Swapping(0.98))
              for n, one in enumerate(success))
    )  # fmt: skip


@given(shots=st.integers(0, 500), success=st.lists(st.floats(1e-4, 0.5), min_size=1, max_size=5))
def test_every_shot_has_one_route_and_no_share_is_off_by_a_whole_shot(shots: int, success: list[float]) -> None:
    several = routes_of(*success)
    of_each = several.shots_of_each(shots)
    assert sum(of_each) == shots and min(of_each) >= 0
    assert all(abs(n - share * shots) < 1 for n, share in zip(of_each, several.shares, strict=True))


def test_rates_add_up_and_the_fidelity_is_the_mean_over_pairs() -> None:
    several = routes_of(0.01, 0.02)
    first, second = several.routes
    assert several.rate == first.rate + second.rate
    of_all_pairs = first.rate * first.fidelity + second.rate * second.fidelity
    assert several.fidelity == pytest.approx(of_all_pairs / several.rate)
    assert several.latency == second.latency > first.latency


def test_a_processor_in_a_ring_is_reached_both_ways_at_once() -> None:
    plan = built(Ring(5, 1.0, 0.985, "rate", 2, in_parallel=True), 4, processors=2)
    for k, several in enumerate(plan.parallel):
        one, other = several.routes
        assert plan.processor_routes[k] == one, "keys and messages take the cheapest way"
        assert not set(one.links) & set(other.links) and one.nodes[-1] == other.nodes[-1]
        assert len(one.links) + len(other.links) == 5
        assert plan.hub_channels(k) == len(plan.shot_routes(k)) == 2
        assert plan.served(k).rate == one.rate + other.rate


def test_the_hub_drives_each_of_the_routes() -> None:
    one, both = (built(Ring(5, 1.0, 0.985, "rate", 2, in_parallel=way), 4, processors=6) for way in (False, True))
    wants = demand(hub_channels=10, multiplexing=8)
    assert [len(plan_phases(plan, wants)) for plan in (one, both)] == [1, 2]


def test_other_swaps_are_those_of_all_routes() -> None:
    plan = built(Grid(3, 3, 1.0, 0.985, "rate", 3, in_parallel=True), 4, processors=6)
    other = plan.swapping_by(Swapping(0.5))
    assert {route.swapping.werner for several in other.parallel for route in several.routes} == {0.5}
    assert [several.routes[0] for several in other.parallel] == list(other.processor_routes)


def test_one_path_is_no_several_and_a_line_has_no_other() -> None:
    with pytest.raises(ValueError, match="paths must be at least 2 for in_parallel=true, got 1"):
        built(Ring(5, 1.0, 0.985, "rate", 1, in_parallel=True), 4)
    plan = built(Line(5, 1.0, 0.98, "rate", 2, in_parallel=True), 4)
    assert all(len(several.routes) == 1 for several in plan.parallel)


def test_processors_that_share_a_circuit_have_one_route_each() -> None:
    with pytest.raises(ValueError, match=r"need network\.in_parallel=false"):
        built(Ring(5, 1.0, 0.985, "rate", 2, in_parallel=True), 4, processors=6).grouped(2, [(0, 1)])
