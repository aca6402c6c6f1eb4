"""Routes between processors that share a circuit."""

from __future__ import annotations

import pytest

from ceas_ray.network.group import ProcessorGroup, ShotRoute, group_of, route_between
from ceas_ray.network.network_plan import NetworkPlan
from ceas_ray.network.route import Route, Swapping, path_fidelity
from tests.network.hardware import HARDWARE

SWAPPING = Swapping(0.98)
LINKS = [HARDWARE.link(1.0 + number, 0.97) for number in range(6)]


def route(*steps: tuple[int, str]) -> Route:
    """From the hub over these links to these nodes."""
    numbers, names = zip(*steps, strict=True)
    return Route(tuple(LINKS[number] for number in numbers), tuple(numbers), ("hub", *names), SWAPPING)


def test_in_a_star_two_members_meet_at_the_hub() -> None:
    found = route_between(route((0, "a")), route((1, "b")))
    assert (found.links, found.nodes) == ((0, 1), ("a", "hub", "b"))
    assert found.fidelity == path_fidelity((LINKS[0], LINKS[1]), SWAPPING)


def test_what_two_routes_have_in_common_is_left_out() -> None:
    first, second = route((0, "x"), (1, "y"), (2, "a")), route((0, "x"), (3, "b"))
    found = route_between(first, second)
    assert (found.links, found.nodes) == ((2, 1, 3), ("a", "y", "x", "b"))
    onward = route_between(route((0, "x")), first)
    assert (onward.links, onward.nodes) == ((1, 2), ("x", "y", "a"))
    assert route_between(first, route((0, "x"))).nodes == ("a", "y", "x")
    with pytest.raises(ValueError, match="must sit on different nodes, got two on a"):
        route_between(first, first)


def test_a_group_has_a_route_for_every_two_that_share_pairs() -> None:
    routes = [route((number, name)) for number, name in enumerate("abcd")]
    group = group_of(routes, (1, 2, 3), [(-1, 0), (0, 1), (2, 0), (1, 0), (1, 2)])
    assert [part.places for part in group.routes] == [(0,), (1, 3), (2,), (4,)]
    assert [part.route.nodes for part in group.routes] == [
        ("hub", "b"), ("b", "hub", "c"), ("b", "hub", "d"), ("c", "hub", "d"),
    ]  # fmt: skip
    assert group.pairs_per_shot == 5


def test_a_group_knows_how_long_outcomes_travel_between_its_members_and_the_hub() -> None:
    routes = [route((0, "x"), (1, "y"), (2, "a")), route((0, "x"), (3, "b"))]
    latencies = group_of(routes, (0, 1), [(0, 1)]).latencies
    assert latencies[0][1] == latencies[1][0] == route_between(routes[0], routes[1]).latency
    assert [latencies[-1][0], latencies[-1][1]] == [latencies[0][-1], latencies[1][-1]] == [r.latency for r in routes]
    assert latencies[0][0] == latencies[-1][-1] == 0


def test_a_group_is_as_fast_as_its_scarcest_route() -> None:
    fast, slow = route((0, "a")), route((5, "b"))
    group = ProcessorGroup((0, 1), (ShotRoute(fast, (0, 1, 2, 3)), ShotRoute(slow, (4,))))
    shots_per_second = min(fast.rate / 4, slow.rate)
    assert group.rate == pytest.approx(5 * shots_per_second)
    assert group.latency == slow.latency
    assert group.fidelity == min(fast.fidelity, slow.fidelity)


def test_distances_of_members_are_the_links_between_them_in_all_groups() -> None:
    routes = (
        route((0, "a")), route((1, "b")), route((0, "a"), (2, "c")),
        route((3, "d")), route((3, "d"), (4, "e")), route((3, "d"), (4, "e"), (5, "f")),
    )  # fmt: skip
    plan = NetworkPlan(routes, (), {}, True, tuple(("x", "y") for _ in LINKS))
    assert plan.member_distances(3).tolist() == [[0, 2 + 1, 1 + 2], [2 + 1, 0, 3 + 1], [1 + 2, 3 + 1, 0]]
