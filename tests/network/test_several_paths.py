"""Several paths to a node: the cheapest ones without loops, and routes that share their links with few others."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ceas_ray.entanglement.leases import plan_phases
from ceas_ray.network.grid import Grid
from ceas_ray.network.line import Line
from ceas_ray.network.network_plan import NetworkPlan
from ceas_ray.network.routing import Graph, Link
from ceas_ray.network.several_paths import Path, SpreadLoad
from tests.entanglement.demands import demand
from tests.network.hardware import HARDWARE
from tests.network.networks import built
from tests.network.test_routing import simple_paths


@settings(max_examples=60, deadline=None)
@given(nodes=st.integers(2, 6), seed=st.integers(0, 10**6), count=st.integers(2, 8), greatest=st.sampled_from([1, 9]))
def test_paths_are_the_cheapest_ones_without_loops(nodes: int, seed: int, count: int, greatest: int) -> None:
    draw = np.random.default_rng(seed)
    pairs = [(i, j) for i in range(nodes) for j in range(i + 1, nodes) if j == i + 1 or draw.random() < 0.6]
    graph = Graph(
        tuple(f"node {n}" for n in draw.permutation(nodes)),
        tuple(Link(i, j, HARDWARE.link(1.0, 0.95)) for i, j in pairs),
        "",
    )
    costs = draw.integers(1, greatest + 1, len(pairs)).tolist()
    (found,) = graph.several_routes(costs, 0, [nodes - 1], count).values()
    every = sorted(sum(costs[link] for link in path) for path in simple_paths(graph, 0, nodes - 1))
    assert [sum(costs[link] for link in path.links) for path in found] == every[:count]
    assert len({tuple(path.links) for path in found}) == len(found)
    assert found[0] == graph.routes(costs, 0)[nodes - 1], "the first is the only one of `paths=1`"
    for path in found:
        assert [set(graph_ends) for graph_ends in zip(path.nodes, path.nodes[1:], strict=False)] == [
            {graph.links[link].first, graph.links[link].second} for link in path.links
        ]


def greatest_load(plan: NetworkPlan) -> int:
    return max(Counter(link for route in plan.routes for link in route.links).values())


def test_routes_share_their_links_with_fewer_others_where_there_are_several_paths() -> None:
    one, several = (built(Grid(4, 4, 1.0, 0.98, "rate", paths), 1, processors=24) for paths in (1, 8))
    assert greatest_load(several) < greatest_load(one)
    assert [route.nodes[-1] for route in several.routes] == [route.nodes[-1] for route in one.routes]


def test_more_processors_are_served_at_a_time_where_there_are_several_paths() -> None:
    one, several = (built(Grid(3, 3, 1.0, 0.985, "fidelity", paths), 1, processors=24) for paths in (1, 2))
    wants = demand(hub_channels=40, multiplexing=4)
    assert len(plan_phases(several, wants)) < len(plan_phases(one, wants))


def test_a_line_has_one_path_to_a_node() -> None:
    assert built(Line(5, 1.0, 0.98, "rate", 9), 1) == built(Line(5, 1.0, 0.98, "rate"), 1)


def test_of_paths_that_share_as_little_the_cheapest_is_taken() -> None:
    load = SpreadLoad()
    candidates = [Path([0, 1], [0]), Path([0, 1], [1]), Path([0, 2, 1], [2, 3])]
    assert [load.choose(candidates) for _ in range(5)] == [0, 1, 2, 0, 1]


def test_processors_that_share_a_circuit_need_one_path_to_every_node() -> None:
    with pytest.raises(ValueError, match=r"need one path to every node \(network\.paths=1\)"):
        built(Grid(4, 4, 1.0, 0.98, "rate", 8), 1, processors=24).grouped(2, [(0, 1)])
