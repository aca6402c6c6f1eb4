"""What the packed distributor finds, and that it prices what it finds rightly."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ceas_ray.distribution.packed_distributor import PackedDistributor
from ceas_ray.distribution.packets import packets_of
from ceas_ray.distribution.processor_network import ProcessorNetwork
from ceas_ray.distribution.program import program_of
from ceas_ray.distribution.static_distributor import StaticDistributor
from ceas_ray.quantum.gate_list import ControlledPhase, Gate, GateList, LocalGate, normal_form
from ceas_ray.quantum.qiskit_import import from_qiskit
from tests.distribution.circuits import HADAMARD, fourier_transform, random_circuit, ring, rotation

QUICK = PackedDistributor(starts=1, steps_per_start=500)
THOROUGH = PackedDistributor(starts=4, steps_per_start=4_000)
CHAIN = [(0, 1), (1, 2), (2, 3)]
STAR = [(0, 1), (0, 2), (0, 3)]


def listed(qubits: int, gates: Any) -> GateList:
    return GateList(qubits, tuple(gates), tuple(range(qubits)))


def check_known(distributor: PackedDistributor, gates: Any, edges: list[tuple[int, int]], room: int, most: int) -> None:
    network = ProcessorNetwork.from_edges(edges, [room] * (1 + max(max(edge) for edge in edges)))
    qubits = room * len(network.capacities)
    assert distributor(listed(qubits, gates), network).pairs <= most


@pytest.mark.parametrize(
    ("gates", "edges", "room", "most"),
    [(fourier_transform(10), [(0, 1)], 5, 5), (ring(8, 3, True), STAR, 2, 18), (ring(8, 3, False), STAR, 2, 18)],
)
def test_known_circuits_take_at_most_these_pairs(
    gates: Any, edges: list[tuple[int, int]], room: int, most: int
) -> None:
    check_known(THOROUGH, gates, edges, room, most)


@pytest.mark.slow
@pytest.mark.parametrize(("edges", "room", "most"), [([(0, 1)], 10, 10), (CHAIN, 5, 22)])
def test_the_fourier_transform_of_twenty_qubits_takes_at_most_these_pairs(
    edges: list[tuple[int, int]], room: int, most: int
) -> None:
    check_known(PackedDistributor(), fourier_transform(20), edges, room, most)


@pytest.mark.slow
@pytest.mark.parametrize(("edges", "room", "most"), [([(0, 1)], 3, 18), (CHAIN[:2], 2, 30)])
def test_few_qubits_with_many_gates_take_at_most_these_pairs(
    edges: list[tuple[int, int]], room: int, most: int
) -> None:
    """Three times Grover's iteration on six qubits, 246 controlled phases: moves of qubits are rare."""
    from qiskit import QuantumCircuit
    from qiskit.circuit.library import ZGate

    made = QuantumCircuit(6)
    made.h(range(6))
    for _ in range(3):
        made.append(ZGate().control(5), range(6))
        made.h(range(6))
        made.x(range(6))
        made.append(ZGate().control(5), range(6))
        made.x(range(6))
        made.h(range(6))
    check_known(PackedDistributor(), from_qiskit(made).gates, edges, room, most)


def fewest_pairs(ends: Any, home: Any) -> int:
    """On two processors, over all places of the phases: packets with a phase that is not done at their home."""
    places = np.indices([2] * len(ends)).reshape(len(ends), -1).T
    away = np.zeros((len(places), len(home)), dtype=bool)
    for phase, packets in enumerate(ends):
        for packet in packets:
            away[:, packet] |= places[:, phase] != home[packet]
    return int(np.min(np.sum(away, axis=1)))


@settings(max_examples=6, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_small_circuits_take_the_fewest_pairs_that_any_placement_without_moves_takes(seed: int) -> None:
    circuit = listed(4, random_circuit(seed, 4, 12))
    packets = packets_of(4, normal_form(4, circuit.gates))
    network = ProcessorNetwork.from_edges([(0, 1)], [2, 2])
    fewest = min(
        fewest_pairs(packets.ends, np.array(home)[packets.owner])
        for home in product(range(2), repeat=4)
        if sum(home) == 2
    )
    assert THOROUGH(circuit, network).pairs <= fewest


def entangled_chain(qubits: int) -> list[Gate]:
    """The circuit of a GHZ state."""
    gates: list[Gate] = [LocalGate(0, HADAMARD)]
    for q in range(qubits - 1):
        gates += [LocalGate(q + 1, HADAMARD), ControlledPhase(q, q + 1, np.pi), LocalGate(q + 1, HADAMARD)]
    return gates


def optimization(qubits: int, layers: int, seed: int) -> list[Gate]:
    """QAOA on a random graph."""
    draw = np.random.default_rng(seed)
    edges = [(a, b) for b in range(qubits) for a in range(b) if draw.random() < 0.5]
    gates: list[Gate] = [LocalGate(q, HADAMARD) for q in range(qubits)]
    for _ in range(layers):
        gates += [ControlledPhase(a, b, 0.7) for a, b in edges]
        gates += [LocalGate(q, rotation("x", 0.4)) for q in range(qubits)]
    return gates


@pytest.mark.parametrize(("edges", "room"), [
    ([(0, 1)], [4, 4]), ([(0, 1), (1, 2), (2, 3), (3, 0)], [2, 2, 2, 2]), (STAR, [2, 2, 2, 2]),
    ([(0, 1), (0, 2), (1, 3), (1, 4), (2, 5)], [1, 1, 2, 2, 1, 1]),
])  # fmt: skip
@pytest.mark.parametrize("gates", [entangled_chain(8), optimization(8, 2, 1), random_circuit(3, 8, 60)])
def test_other_circuits_and_networks_never_take_more_pairs_than_one_a_gate(
    gates: list[Gate], edges: list[tuple[int, int]], room: list[int]
) -> None:
    circuit, network = listed(8, gates), ProcessorNetwork.from_edges(edges, room)
    found = PackedDistributor(starts=2, steps_per_start=2_000)(circuit, network)
    assert found.pairs <= StaticDistributor()(circuit, network).pairs
    assert found.pairs == program_of(found).pairs
    assert np.all(np.max(found.held, axis=1) <= room)


@settings(max_examples=6, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_the_same_circuit_is_distributed_the_same_way_and_fits(seed: int) -> None:
    circuit = listed(6, random_circuit(seed, 6, 30))
    network = ProcessorNetwork.from_edges([(0, 1), (1, 2)], [3, 0, 4])
    once, again = QUICK(circuit, network), QUICK(circuit, network)
    assert np.array_equal(once.home, again.home)
    assert np.array_equal(once.place, again.place)
    assert np.all(np.max(once.held, axis=1) <= [3, 4])


def test_one_processor_needs_no_pair_and_too_little_room_is_refused() -> None:
    circuit = listed(4, fourier_transform(4))
    assert QUICK(circuit, ProcessorNetwork.from_edges([], [4])).pairs == 0
    with pytest.raises(ValueError, match="room for 3 qubits"):
        QUICK(circuit, ProcessorNetwork.from_edges([(0, 1)], [2, 1]))
