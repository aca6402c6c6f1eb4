"""What it costs to join processors."""

from __future__ import annotations

from itertools import combinations, pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ceas_ray.distribution.processor_network import ProcessorNetwork


@settings(max_examples=40)
@given(seed=st.integers(0, 10**6), nodes=st.integers(2, 6))
def test_tree_costs_are_those_of_the_cheapest_connected_set_of_nodes(seed: int, nodes: int) -> None:
    draw = np.random.default_rng(seed)
    edges = {(int(draw.integers(k)), k) for k in range(1, nodes)}
    edges |= {pair for pair in combinations(range(nodes), 2) if draw.random() < 0.3}
    capacities = [1] + [int(c) for c in draw.integers(0, 2, nodes - 1)]
    network = ProcessorNetwork.from_edges(sorted(edges), capacities)
    processors = network.processors
    for bits in range(1, 2 ** len(processors)):
        wanted = {node for p, node in enumerate(processors) if bits >> p & 1}
        cheapest = min(
            len(chosen) - 1
            for size in range(1, nodes + 1)
            for chosen in map(set, combinations(range(nodes), size))
            if wanted <= chosen and _connected(chosen, edges)
        )
        assert network.tree_costs[bits] == cheapest


def _connected(nodes: set[int], edges: set[tuple[int, int]]) -> bool:
    reached = {min(nodes)}
    while True:
        more = {b for a, b in edges | {(b, a) for a, b in edges} if a in reached and b in nodes} | reached
        if more == reached:
            return reached == nodes
        reached = more


@settings(max_examples=20)
@given(seed=st.integers(0, 10**6), nodes=st.integers(2, 4))
def test_an_edge_that_costs_more_is_as_a_chain_of_nodes_that_only_swap(seed: int, nodes: int) -> None:
    draw = np.random.default_rng(seed)
    edges = [(int(draw.integers(k)), k) for k in range(1, nodes)]
    edges += [pair for pair in combinations(range(nodes), 2) if pair not in edges and draw.random() < 0.5]
    costs = draw.integers(1, 4, len(edges)).tolist()
    capacities, single = [1] * nodes, []
    for (a, b), cost in zip(edges, costs, strict=True):
        chain = [a, *range(len(capacities), len(capacities) + cost - 1), b]
        capacities += [0] * (cost - 1)
        single += list(pairwise(chain))
    priced = ProcessorNetwork.from_edges(edges, [1] * nodes, costs)
    chained = ProcessorNetwork.from_edges(single, capacities)
    np.testing.assert_array_equal(priced.tree_costs, chained.tree_costs)
    np.testing.assert_array_equal(priced.forest_costs, chained.forest_costs)
    for members in range(1, 2**nodes):
        parents = priced.forest(members, 1)
        of_edges = {frozenset(edge): cost for edge, cost in zip(edges, costs, strict=True)}
        spent = sum(of_edges[frozenset(edge)] for edge in parents.items())
        assert spent == priced.tree_costs[members | 1]


@pytest.mark.parametrize("costs", [(1,), (0, 1)])
def test_each_edge_has_a_cost_or_none_has(costs: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="every one of 2 edges must have a cost of at least 1"):
        ProcessorNetwork.from_edges([(0, 1), (1, 2)], [1, 1, 1], costs)


@pytest.mark.parametrize(
    ("edges", "capacities", "said"),
    [
        ([(0, 2)], [1, 1], "every edge"),
        ([], [1, 1], "reachable"),
        ([(0, 1)], [1, -1], "capacity"),
        ([(0, 1)], [0, 0], "1 to 12"),
        ([(k, k + 1) for k in range(12)], [1] * 13, "1 to 12"),
    ],
)
def test_networks_that_cannot_be_are_refused(edges: list[tuple[int, int]], capacities: list[int], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        ProcessorNetwork.from_edges(edges, capacities)
