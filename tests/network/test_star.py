"""The default network."""

from __future__ import annotations

from ceas_ray.network.star import Star
from tests.network.hardware import SPREAD
from tests.network.networks import built


def test_everyone_has_one_link_of_its_own_to_the_hub() -> None:
    plan = built(Star(), 1, processors=3, replicas=2)
    assert [route.nodes for route in plan.routes] == [
        ("hub", "processor/0"), ("hub", "processor/1"), ("hub", "processor/2"), ("hub", "replica/0"),
        ("hub", "replica/1"),
    ]  # fmt: skip
    assert [route.links for route in plan.routes] == [(0,), (1,), (2,), (3,), (4,)]


def test_replicas_sit_as_near_as_the_spread_says_and_processors_are_drawn() -> None:
    plan = built(Star(), 1)
    assert {(link.length_km, link.fidelity) for link in plan.replica_links} == {(SPREAD.replica_km, 0.98)}
    lengths = [link.length_km for link in plan.processor_links]
    assert len(set(lengths)) == len(lengths)
    assert all(SPREAD.min_km <= length <= SPREAD.max_km for length in lengths)
