"""The plan of a network: who is reached on which route."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ceas_ray.network.complete import Complete
from ceas_ray.network.line import Line
from ceas_ray.network.route import Swapping
from ceas_ray.network.star import Star
from tests.network.networks import built


def test_a_party_is_found_by_its_name() -> None:
    plan = built(Star(), 1)
    assert plan.route_of("processor/3") is plan.processor_routes[3]
    assert plan.route_of("replica/2") is plan.replica_routes[2]


def test_two_parties_distil_keys_over_the_hub_where_pairs_are_swapped() -> None:
    route = built(Star(), 1).key_route("processor/3", "replica/2")
    assert route.nodes == ("processor/3", "hub", "replica/2")


def test_two_parties_distil_keys_on_their_direct_link_where_there_is_one() -> None:
    plan = built(Complete(), 1)
    route = plan.key_route("processor/3", "replica/2")
    assert route.nodes == ("processor/3", "replica/2")
    assert route.links[0] >= len(plan.ends), "direct links are numbered after the hub's"
    assert plan.links == len(plan.ends) + len(plan.direct_links)


def test_a_link_that_two_share_makes_a_network_no_star() -> None:
    assert built(Star(), 1).is_star
    assert not built(Line(5, 1.0, 0.98, "rate"), 1).is_star


def test_the_greatest_number_of_purification_rounds_counts_direct_links_too() -> None:
    plan = built(Complete(), 1)
    assert plan.purification_rounds == 0
    ends, link = next(iter(plan.direct_links.items()))
    purified = replace(plan, direct_links={**plan.direct_links, ends: replace(link, purification_rounds=3)})
    assert purified.purification_rounds == 3


def test_other_swaps_reach_every_route() -> None:
    swapping = Swapping(0.5, success=0.9)
    assert {route.swapping for route in built(Line(5, 1.0, 0.98, "rate"), 1).swapping_by(swapping).routes} == {swapping}


def test_groups_take_consecutive_processors_and_drive_the_links_of_all_their_shots() -> None:
    """Two members on links of their own: each shot's pair crosses both, and the group's own link is one of them."""
    plan = built(Star(), 1).grouped(2, [(0, 1)])
    assert [group.members for group in plan.groups] == [(0, 1), (2, 3), (4, 5), (6, 7)]
    assert plan.served(1) is plan.groups[1]
    assert [route.nodes for route in plan.shot_routes(1)] == [("processor/2", "hub", "processor/3")]
    assert plan.hub_channels(1) == 2


def test_processors_that_cannot_be_dealt_out_into_groups_are_refused() -> None:
    with pytest.raises(ValueError, match=r"processors\.count must be divisible by the 3 processors of a group, got 8"):
        built(Star(), 1).grouped(3, [(0, 1)])
    with pytest.raises(ValueError, match="need pairs swapped at the hub"):
        built(Complete(), 1).grouped(2, [(0, 1)])
