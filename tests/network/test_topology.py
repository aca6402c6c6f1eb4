"""Laws of every topology: connected, the same for the same seed, refused if it is in pieces."""

from __future__ import annotations

from typing import Any

import pytest

from ceas_ray.network.complete import Complete
from ceas_ray.network.grid import Grid
from ceas_ray.network.line import Line
from ceas_ray.network.random_geometric import RandomGeometric
from ceas_ray.network.ring import Ring
from ceas_ray.network.star import Star
from ceas_ray.network.waxman import Waxman
from tests.network.networks import built

TOPOLOGIES = [
    Star(), Complete(), Line(6, None, None, "fidelity"), Ring(7, None, None, "rate"), Grid(3, 4, 1.0, 0.98, "fidelity"),
    RandomGeometric(12, 4.0, 2.6, None, "rate"), Waxman(12, 4.0, 0.5, 1.0, None, "fidelity"),
]  # fmt: skip


@pytest.mark.parametrize("topology", TOPOLOGIES, ids=lambda topology: type(topology).__name__)
def test_every_topology_reaches_everyone_and_depends_on_its_seed_alone(topology: Any) -> None:
    plan = built(topology, 1)
    assert (len(plan.processor_routes), len(plan.replica_routes)) == (8, 4)
    hub = plan.routes[0].nodes[0]
    for route in plan.routes:
        assert route.nodes[0] == hub
        assert len(route.nodes) == len(route.legs) + 1 == len(route.links) + 1
        assert len(set(route.nodes)) == len(route.nodes), "a route comes twice through a node"
        for link, first, second in zip(route.links, route.nodes, route.nodes[1:], strict=False):
            assert set(plan.ends[link]) == {first, second}
    assert plan == built(topology, 1)
    if not isinstance(topology, Grid):
        assert plan != built(topology, 2)
    assert plan.is_star == (type(topology) in (Star, Complete))


@pytest.mark.parametrize(
    ("topology", "remedy"),
    [
        (RandomGeometric(8, 4.0, 0.3, None, "rate"), "raise network.radius_km"),
        (Waxman(8, 4.0, 0.01, 0.1, None, "rate"), "raise network.alpha or network.beta"),
    ],
)
def test_a_network_in_pieces_is_refused_with_the_node_and_the_remedy(topology: Any, remedy: str) -> None:
    with pytest.raises(ValueError, match=rf"node/\d+ cannot be reached from node/\d+: {remedy}"):
        built(topology, 1)


def test_values_out_of_range_are_refused() -> None:
    for make in (
        lambda: Line(1, 1.0, 0.98, "rate"), lambda: Ring(2, 1.0, 0.98, "rate"), lambda: Grid(1, 1, 1.0, 0.98, "rate"),
        lambda: Line(3, 0.0, 0.98, "rate"), lambda: Line(3, 1.0, 1.2, "rate"),
        lambda: RandomGeometric(5, 1.0, -1.0, None, "rate"), lambda: Waxman(5, 1.0, 0.4, 1.5, None, "rate"),
        lambda: Line(3, "far", 0.98, "rate"),  # type: ignore[arg-type]
    ):  # fmt: skip
        with pytest.raises(ValueError, match="must be a number"):
            make()
    with pytest.raises(ValueError, match="route_by must be fidelity or rate, got hops"):
        built(Line(3, 1.0, 0.98, "hops"), 1)  # type: ignore[arg-type]
