"""Distributed circuits are the undistributed ones: step by step, with measurements and corrections."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from ceas_ray.distribution.distribution import Distribution, Distributor
from ceas_ray.distribution.fewest_gates_distributor import FewestGatesDistributor
from ceas_ray.distribution.packed_distributor import PackedDistributor
from ceas_ray.distribution.packets import packets_of
from ceas_ray.distribution.processor_network import ProcessorNetwork
from ceas_ray.distribution.program import EndCopy, Flip, program_of
from ceas_ray.distribution.schedule import places_of, schedule_of
from ceas_ray.distribution.search import drop_useless_copies
from ceas_ray.distribution.search_state import state_of as state_of_search
from ceas_ray.distribution.static_distributor import StaticDistributor
from ceas_ray.quantum.gate_list import ControlledPhase, Gate, GateList, LocalGate, normal_form
from tests.distribution.circuits import HADAMARD, flipping_circuit, fourier_transform, random_circuit, state_of
from tests.distribution.execution import distance, executed

QUICK = PackedDistributor(starts=1, steps_per_start=500)
THOROUGH = PackedDistributor(starts=4, steps_per_start=4_000)
DISTRIBUTORS = (QUICK, FewestGatesDistributor(), StaticDistributor())


def network_of(draw: Any, qubits: int) -> ProcessorNetwork:
    """A connected network of 2 to 4 processors, sometimes with a node that only swaps, and at most one free place."""
    processors = int(draw.integers(2, min(4, qubits) + 1))
    room = np.ones(processors, dtype=int)
    for _ in range(qubits - processors + int(draw.integers(2))):
        room[int(draw.integers(processors))] += 1
    capacities = [*room.tolist(), *[0] * int(draw.integers(2))]
    edges = [(int(draw.integers(k)), k) for k in range(1, len(capacities))]
    if draw.random() < 0.3 and len(capacities) > 2:
        edges = sorted({*edges, (0, len(capacities) - 1)})
    order = draw.permutation(len(capacities))
    names = [capacities[k] for k in order]
    place = np.argsort(order)
    return ProcessorNetwork.from_edges([(int(place[a]), int(place[b])) for a, b in edges], names)


def with_kept_copies(draw: Any, qubits: int, gates: list[Gate]) -> Distribution:
    """Homes, places and kept copies at random; qubits stay."""
    packets = packets_of(qubits, normal_form(qubits, gates))
    network = ProcessorNetwork.from_edges([(0, 1), (1, 2), (2, 0)], [qubits, qubits, qubits])
    home = draw.integers(0, 3, qubits)[packets.owner]
    place = draw.integers(0, 3, len(packets.ends))
    kept = np.where(packets.crossable, draw.integers(0, 8, len(home)) & ~(1 << home), 0)
    state = state_of_search(packets, network, (home, place, kept), moving=False)
    drop_useless_copies(state)
    return Distribution(packets, network, home, place, state.packet["kept"])


def check(seed: int, distributors: Sequence[Distributor] = DISTRIBUTORS) -> None:
    draw = np.random.default_rng(seed)
    qubits = int(draw.integers(3, 9))
    gates = random_circuit(seed, qubits, int(draw.integers(10, 41)))
    circuit, network, wanted = listed(qubits, gates), network_of(draw, qubits), state_of(qubits, gates)
    for distributor in distributors:
        distribution = distributor(circuit, network)
        program = program_of(distribution)
        assert program.pairs == distribution.pairs
        assert distance(executed(schedule_of(program), draw), wanted) < 1e-12


def listed(qubits: int, gates: list[Gate]) -> GateList:
    return GateList(qubits, tuple(gates), tuple(range(qubits)))


@pytest.mark.parametrize("seed", range(8))
def test_a_distributed_circuit_is_the_undistributed_one(seed: int) -> None:
    check(seed)


def test_copies_that_are_kept_while_their_qubit_is_flipped_are_right_after_it() -> None:
    flips = 0
    for seed in range(20):
        draw = np.random.default_rng(seed)
        gates = flipping_circuit(seed, 4, 16)
        distribution = with_kept_copies(draw, 4, gates)
        program = program_of(distribution)
        flips += sum(isinstance(step, Flip) for step in program.steps)
        assert program.pairs == distribution.pairs
        assert distance(executed(schedule_of(program), draw), state_of(4, gates)) < 1e-12
    assert flips > 20


@pytest.mark.slow
@pytest.mark.parametrize("first", range(1000, 1500, 125))
def test_five_hundred_distributed_circuits_are_the_undistributed_ones(first: int) -> None:
    for seed in range(first, first + 125):
        check(seed, [DISTRIBUTORS[seed % 3]])


def least_pairs(circuit: GateList, network: ProcessorNetwork) -> int:
    """The fewest pairs of any assignment of qubits, one pair of each link on the way for each remote gate."""
    processors = range(len(network.room))
    costs, found = network.distances[np.ix_(network.processors, network.processors)], []
    gates = [(g.first, g.second) for g in normal_form(circuit.qubits, circuit.gates) if isinstance(g, ControlledPhase)]
    for homes in itertools.product(processors, repeat=circuit.qubits):
        if all(homes.count(p) <= network.room[p] for p in processors):
            found.append(sum(int(costs[homes[a], homes[b]]) for a, b in gates))
    return min(found)


@pytest.mark.parametrize(("edges", "room"), [
    ([(0, 1), (1, 2)], [2, 2, 2]), ([(0, 1), (1, 2), (2, 3)], [2, 1, 1, 2]), ([(0, 3), (1, 3), (2, 3)], [2, 2, 2, 0]),
    ([(0, 1), (1, 2), (2, 3), (3, 4), (4, 0)], [2, 1, 1, 1, 0]),
])  # fmt: skip
def test_fewest_gates_takes_the_fewest_pairs_of_links_on_any_network(
    edges: list[tuple[int, int]], room: list[int]
) -> None:
    """A pair over two links counts two, as it does for every distributor."""
    network = ProcessorNetwork.from_edges(edges, room)
    for seed in range(3):
        circuit = listed(5, random_circuit(seed, 5, 30))
        assert FewestGatesDistributor()(circuit, network).pairs == least_pairs(circuit, network)


@pytest.mark.parametrize("distributor", DISTRIBUTORS)
def test_a_schedule_uses_every_qubit_once_a_layer_and_keeps_the_order_of_steps(distributor: Distributor) -> None:
    for seed in range(3):
        network = ProcessorNetwork.from_edges([(0, 1), (1, 2)], [2, 2, 2])
        schedule = schedule_of(program_of(distributor(listed(6, random_circuit(seed, 6, 40)), network)))
        used = [(p, schedule.layer[k]) for k, step in enumerate(schedule.program.steps) for p in places_of(step)]
        assert len(set(used)) == len(used)
        begins = {place: span[0] for place, span in schedule.lifetimes.items()}
        ends = {place: span[1] for place, span in schedule.lifetimes.items()}
        assert all(begins[place] <= layer <= ends[place] for place, layer in used)
        at_once = [(schedule.register[p], p.node, t) for p in begins for t in range(begins[p], ends[p] + 1)]
        assert len(set(at_once)) == len(at_once), "two values in one physical qubit"


def test_a_qubit_moves_where_that_is_cheaper_than_copies() -> None:
    """Qubit 0 has many gates, with mixing ones between, first with processor 0's qubits and then with processor 1's."""
    gates: list[Gate] = []
    for other in (1, 3, 1, 3, 1, 2, 4, 2, 4, 2):
        gates += [LocalGate(0, HADAMARD), ControlledPhase(0, other, 0.3), LocalGate(other, HADAMARD)]
    gates += [ControlledPhase(1, 3, 0.2), ControlledPhase(2, 4, 0.2)]
    distribution = THOROUGH(listed(5, gates), ProcessorNetwork.from_edges([(0, 1)], [3, 3]))
    program = program_of(distribution)
    moved = [step for step in program.steps if isinstance(step, EndCopy) and step.at in program.start]
    assert (distribution.pairs, len(moved)) == (1, 1)
    assert distance(executed(schedule_of(program), np.random.default_rng(1)), state_of(5, gates)) < 1e-12


def test_a_gate_is_done_on_a_third_processor_where_that_is_cheaper() -> None:
    """In the middle of a star, where one copy of each leaf's qubit meets the others."""
    gates: list[Gate] = [LocalGate(q, HADAMARD) for q in range(4)]
    gates += [ControlledPhase(a, b, 0.3) for a in range(1, 4) for b in range(a)]
    network = ProcessorNetwork.from_edges([(0, 1), (0, 2), (0, 3)], [1, 1, 1, 1])
    distribution = THOROUGH(listed(4, gates), network)
    held = {int(home): qubit for qubit, home in enumerate(distribution.home)}
    third = [
        phase for place, phase in zip(distribution.place, distribution.packets.phases, strict=True)
        if held[int(place)] not in (phase.first, phase.second)
    ]  # fmt: skip
    assert distribution.pairs == 3
    assert third


def test_the_fourier_transform_packs_five_pairs_into_few_layers_and_memories() -> None:
    network = ProcessorNetwork.from_edges([(0, 1)], [5, 5])
    schedule = schedule_of(program_of(THOROUGH(listed(10, fourier_transform(10)), network)))
    assert schedule.program.pairs == 5
    assert len(schedule.pairs_by_layer) == 5
    assert max(schedule.memories(network.capacities).values()) <= 5
    assert schedule.depth <= 45
