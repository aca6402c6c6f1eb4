"""Leases: everyone is served, and nothing ever lends more than it has."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ceas_ray.entanglement.demand import Demand
from ceas_ray.entanglement.leases import ServicePhase, estimated_phases, plan_phases
from ceas_ray.network.complete import Complete
from ceas_ray.network.grid import Grid
from ceas_ray.network.line import Line
from ceas_ray.network.link_parameters import LinkDraws
from ceas_ray.network.network_plan import NetworkPlan
from ceas_ray.network.random_geometric import RandomGeometric
from ceas_ray.network.ring import Ring
from ceas_ray.network.route import Route
from ceas_ray.network.star import Star
from tests.entanglement.demands import demand
from tests.network.hardware import HARDWARE, SPREAD


def network_of(topology: Any, processors: int, replicas: int, seed: int = 1) -> NetworkPlan:
    plan: NetworkPlan = topology.build(processors, replicas, LinkDraws(HARDWARE, SPREAD, np.random.default_rng(seed)))
    return plan


def paths(phase: ServicePhase, network: NetworkPlan) -> dict[int, list[Route]]:
    """All routes in use, by key slot; those that serve shots under -1."""
    found = {-1: [network.processor_routes[k] for k in phase.members]}
    for (k, j), slot in phase.processor_slots.items():
        found.setdefault(slot, []).extend([network.processor_routes[k], network.replica_routes[j]])
    for (i, j), slot in phase.replica_slots.items():
        found.setdefault(slot, []).extend([network.replica_routes[i], network.replica_routes[j]])
    return found


def paths_beside_shots(phase: ServicePhase, network: NetworkPlan) -> list[list[Route]]:
    """All routes in use in each turn of replicas beside the shots, those that serve shots included."""
    turns = range(1 + max(phase.replica_turns.values(), default=-1))
    found = [[network.processor_routes[k] for k in phase.members] for _ in turns]
    for (i, j), turn in phase.replica_turns.items():
        found[turn] += [network.replica_routes[i], network.replica_routes[j]]
    return found


def assert_served_within_limits(network: NetworkPlan, asked: Demand) -> None:
    phases, replicas = plan_phases(network, asked), len(network.replica_routes)
    assert sorted(k for phase in phases for k in phase.members) == list(range(len(network.processor_routes)))
    assert sorted(phases[0].replica_slots) == [(i, j) for i in range(replicas) for j in range(i + 1, replicas)]
    for number, phase in enumerate(phases):
        assert number == 0 or not phase.replica_slots
        assert sorted(phase.processor_slots) == [(k, j) for k in sorted(phase.members) for j in range(replicas)]
        assert len({(k, slot) for (k, _), slot in phase.processor_slots.items()}) == len(phase.processor_slots)
        assert len(phase.members) + replicas <= asked.hub_channels
        assert set(phase.replica_turns) <= set(phase.replica_slots)
        for routes in [*paths(phase, network).values(), *paths_beside_shots(phase, network)]:
            channels = Counter(link for route in routes for link in route.links)
            assert max(channels.values()) <= asked.multiplexing
            if asked.node_slots is not None:
                slots: Counter[str] = Counter()
                for route in routes:
                    for first, second in zip(route.nodes, route.nodes[1:], strict=False):
                        slots.update({first: asked.slots})
                        slots.update({second: asked.slots})
                assert max(slots.values()) <= asked.node_slots


@settings(deadline=None)
@given(
    processors=st.integers(1, 120), replicas=st.integers(4, 13), channels=st.integers(5, 60),
    multiplexing=st.integers(2, 9), topology=st.sampled_from([Star(), Complete()]),
)  # fmt: skip
def test_a_star_never_lends_more_than_it_has(
    processors: int, replicas: int, channels: int, multiplexing: int, topology: Any
) -> None:
    network = network_of(topology, processors, replicas)
    asked = demand(hub_channels=channels, multiplexing=multiplexing)
    if channels <= replicas:
        with pytest.raises(ValueError, match=r"entanglement\.hub_channels must exceed"):
            plan_phases(network, asked)
        return
    assert_served_within_limits(network, asked)
    for phase in plan_phases(network, asked):
        assert phase.key_slots == replicas, "the round robin suffices for a star"
        assert phase.replica_turns == phase.replica_slots, "all replicas have a turn beside the shots"
        for place, k in enumerate(phase.members):
            assert all(phase.processor_slots[k, j] == (j - place) % replicas for j in range(replicas))


@settings(max_examples=60, deadline=None)
@given(
    topology=st.one_of(
        st.builds(Line, st.integers(2, 12), st.just(1.0), st.none(), st.just("fidelity")),
        st.builds(Ring, st.integers(3, 12), st.none(), st.none(), st.just("rate")),
        st.builds(Grid, st.integers(1, 4), st.integers(2, 4), st.none(), st.none(), st.just("fidelity")),
        st.builds(RandomGeometric, st.integers(2, 15), st.just(4.0), st.just(3.0), st.none(), st.just("rate")),
    ),
    processors=st.integers(1, 30), replicas=st.integers(4, 9), channels=st.integers(10, 40),
    multiplexing=st.integers(2, 9), node_slots=st.none() | st.integers(1, 40), seed=st.integers(0, 1000),
)  # fmt: skip
def test_routes_never_lend_more_than_links_nodes_and_hub_have(
    topology: Any, processors: int, replicas: int, channels: int, multiplexing: int, node_slots: int | None, seed: int
) -> None:
    try:
        network = network_of(topology, processors, replicas, seed)
    except ValueError as error:
        assert "cannot be reached" in str(error)
        return
    asked = demand(
        hub_channels=channels, multiplexing=multiplexing, node_slots=None if node_slots is None else 24 * node_slots
    )
    try:
        plan_phases(network, asked)
    except ValueError as error:
        needed = re.search(r"entanglement\.node_slots at least (\d+) for the path node/", str(error))
        assert needed is not None
        assert node_slots is not None
        assert int(needed[1]) > 24 * node_slots, "refused what it has"
        return
    assert_served_within_limits(network, asked)


@settings(max_examples=40)
@given(
    st.sampled_from([Star(), Line(5, 1.0, 0.985, "fidelity"), Grid(3, 3, 1.0, 0.985, "fidelity"),
                     Ring(6, 1.0, 0.985, "rate")]),
    st.integers(2, 30), st.integers(4, 13), st.sampled_from([4, 8, 30]), st.sampled_from([None, 300, 2000]),
)  # fmt: skip
def test_estimated_phases_and_key_slots_are_near_those_of_the_plan(
    topology: Any, processors: int, replicas: int, multiplexing: int, node_slots: int | None
) -> None:
    network = network_of(topology, processors, replicas)
    asked = demand(hub_channels=40, multiplexing=multiplexing, node_slots=node_slots)
    planned, estimated = plan_phases(network, asked), estimated_phases(network, asked)
    assert sorted(k for members, _ in estimated for k in members) == list(range(processors))
    assert len(estimated) <= len(planned) <= 2 * len(estimated)
    slots = sum(phase.key_slots for phase in planned)
    assert slots / 2 <= sum(number for _, number in estimated) <= 1.5 * slots


def test_a_committee_of_a_hundred_on_a_short_line_is_planned_at_once() -> None:
    asked = demand(hub_channels=200, multiplexing=8)
    network = network_of(Line(5, 1.0, 0.985, "fidelity"), 10, 100)
    phase, *_ = plan_phases(network, asked)
    assert len(phase.replica_slots) == 4950
    assert_served_within_limits(network, asked)
