"""Routes are the cheapest ones, whatever the order of links."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ceas_ray.network.grid import Grid
from ceas_ray.network.line import Line
from ceas_ray.network.link_parameters import LinkParameters
from ceas_ray.network.routing import Graph, Link, cost_of, routed
from tests.network.hardware import HARDWARE
from tests.network.networks import built


def test_the_hub_is_the_center_and_the_nearest_nodes_are_taken_first() -> None:
    line = built(Line(5, 1.0, 0.98, "fidelity"), 1, processors=3, replicas=2)
    assert [route.nodes for route in line.replica_routes] == [
        ("node/0002", "node/0001"), ("node/0002", "node/0003")]  # fmt: skip
    assert [route.nodes[-1] for route in line.processor_routes] == ["node/0000", "node/0004", "node/0001"]
    assert built(Grid(3, 3, 1.0, 0.98, "fidelity"), 1).routes[0].nodes[0] == "node/0004"
    even = built(Line(4, 1.0, 0.98, "fidelity"), 1)
    assert even.routes[0].nodes[0] == "node/0001", "of two centers the first by name"


def simple_paths(graph: Graph, start: int, end: int) -> Iterator[list[int]]:
    """All simple paths, as lists of links."""
    between: dict[tuple[int, int], list[int]] = {}
    for number, link in enumerate(graph.links):
        between.setdefault((link.first, link.second), []).append(number)
        between.setdefault((link.second, link.first), []).append(number)
    others = [node for node in range(len(graph.names)) if node not in (start, end)]
    for length in range(len(others) + 1):
        for middle in itertools.permutations(others, length):
            steps = list(itertools.pairwise((start, *middle, end)))
            if all(step in between for step in steps):
                yield from ([*links] for links in itertools.product(*(between[step] for step in steps)))


@settings(max_examples=60, deadline=None)
@given(
    nodes=st.integers(2, 6), seed=st.integers(0, 10**6), route_by=st.sampled_from(["fidelity", "rate"]),
    equal=st.booleans(),
)  # fmt: skip
def test_routes_are_the_cheapest_and_do_not_depend_on_the_order_of_links(
    nodes: int, seed: int, route_by: Any, equal: bool
) -> None:
    draw = np.random.default_rng(seed)
    pairs = [(0, node) for node in range(1, nodes)] + [(i, j) for i in range(1, nodes) for j in range(i + 1, nodes)]
    pairs = [pair for pair in pairs if draw.random() < 0.8]
    made = [
        HARDWARE.link(1.0, 0.95) if equal else HARDWARE.link(draw.uniform(0.1, 30), draw.uniform(0.5, 1)) for _ in pairs
    ]
    links = [Link(first, second, link) for (first, second), link in zip(pairs, made, strict=True)]
    names = tuple(f"node {number}" for number in draw.permutation(nodes))
    graph = Graph(names, tuple(links), "")
    cost = cost_of(route_by, 0.98)

    def price(route: list[LinkParameters]) -> float:
        return sum(map(cost, route))

    everyone = list(range(1, nodes))
    if any(next(simple_paths(graph, 0, node), None) is None for node in everyone):
        with pytest.raises(ValueError, match=r"the network must be connected, but node \d cannot be reached from"):
            routed(graph, 0, processors=everyone, replicas=[], route_by=route_by, swap_werner=0.98)
        return
    plan = routed(graph, 0, processors=everyone, replicas=[], route_by=route_by, swap_werner=0.98)
    for node, route in zip(everyone, plan.processor_routes, strict=True):
        best = min(price([graph.links[n].parameters for n in way]) for way in simple_paths(graph, 0, node))
        assert price(list(route.legs)) == pytest.approx(best, rel=1e-9)
    shuffled = Graph(names, tuple(links[i] for i in draw.permutation(len(links))), "")
    again = routed(shuffled, 0, processors=everyone, replicas=[], route_by=route_by, swap_werner=0.98)
    assert [route.nodes for route in again.processor_routes] == [route.nodes for route in plan.processor_routes]
