"""Circuits of the user's own that processors share, against brute force, the undistributed circuit, and the layers."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest

from ceas_ray.distribution.distribution import Distribution
from ceas_ray.distribution.fewest_gates_distributor import FewestGatesDistributor
from ceas_ray.distribution.packed_distributor import PackedDistributor
from ceas_ray.distribution.packets import packets_of
from ceas_ray.distribution.processor_network import ProcessorNetwork
from ceas_ray.distribution.program import Apply, Copy, EndCopy, PhaseGate, program_of
from ceas_ray.distribution.shared_gates import listed, shared_by_qubits
from ceas_ray.distribution.static_distributor import StaticDistributor
from ceas_ray.quantum import gate_engine, pauli_engine
from ceas_ray.quantum.circuit import Circuit
from ceas_ray.quantum.circuit_import import compiled
from ceas_ray.quantum.gate_circuit import Entangler, GateCircuit, Rotation, Term
from ceas_ray.quantum.gate_list import GateList, normal_form
from ceas_ray.quantum.gate_noise import Noise, noiseless
from ceas_ray.quantum.gate_prefix import prepared_at_hub
from ceas_ray.quantum.gate_sharing import Move, ValueCopy, Wait
from ceas_ray.quantum.partition import HUB, pair_ends, partition_by_qubits
from ceas_ray.quantum.pauli_engine import LaneInputs
from tests.distribution.circuits import HADAMARD, rotation
from tests.distribution.execution import StateVector
from tests.quantum.gate_circuits import random_circuit, random_observables
from tests.quantum.test_gate_engine import layered

DISTRIBUTORS: dict[str, Any] = {
    "static": StaticDistributor(),
    "fewest_gates": FewestGatesDistributor(),
    "packed": PackedDistributor(2, 2_000, moves=False, keeps=False),
}
PAULIS = {"X": np.array([[0, 1], [1, 0]]), "Y": np.array([[0, -1j], [1j, 0]]), "Z": np.diag([1, -1])}


@dataclass(frozen=True)
class Given:
    """Homes of qubits, and places of gates drawn from a seed; None: each at its second qubit.

    shared: copies are. moves: homes are drawn for each packet.
    """

    homes: tuple[int, ...]
    seed: int | None = None
    shared: bool = True
    moves: bool = False

    def __call__(self, circuit: GateList, network: ProcessorNetwork) -> Distribution:
        packets = packets_of(circuit.qubits, normal_form(circuit.qubits, circuit.gates), self.shared)
        home = np.array(self.homes)[packets.owner]
        if self.moves:
            assert self.seed is not None
            home = np.random.default_rng(self.seed + 1).integers(0, len(network.names), len(home))
        place = home[packets.ends[:, 1]]
        if self.seed is not None:
            place = np.random.default_rng(self.seed).integers(0, len(network.names), len(place))
        wide = ProcessorNetwork(network.names, (circuit.qubits,) * len(network.names), network.edges)
        return Distribution(packets, wide, home, place)


def drawn(qubits: int, gates: int, seed: int) -> GateCircuit:
    """A random circuit with shared weights."""
    return replace(
        compiled(*random_circuit(qubits, gates, seed), max_qubits=8), observables=random_observables(qubits, 2, seed)
    )


def inputs_of(circuit: GateCircuit, seed: int, noisy: bool = True, perfect: bool = False) -> LaneInputs:
    """Two processors with noise of their own, three lanes."""
    draw, n = np.random.default_rng(seed), circuit.qubits
    places = circuit.pairs_within
    return LaneInputs(
        angles=draw.uniform(-2, 2, (3, circuit.inputs)),
        parameters=draw.uniform(-3, 3, (2, circuit.parameter_count)),
        noise=draw.uniform(0, 0.2, (2, n, len(Noise))) if noisy else noiseless(2, n),
        attenuation=np.ones((2, n + 1)),
        owner=np.array([0, 1, 1]),
        werner=np.ones((2, places)) if perfect else draw.uniform(0.5, 1, (2, places)),
    )


def with_angles(circuit: GateCircuit, angles: Any) -> GateCircuit:
    """The circuit with these numbers (rotations,) in place of its angles."""
    numbers = iter(angles.tolist())
    gates = tuple(
        gate._replace(terms=(Term(next(numbers)),)) if isinstance(gate, Rotation) else gate for gate in circuit.gates
    )
    return replace(circuit, gates=gates)


def executed_values(circuit: GateCircuit, distributor: Any, members: int, werner: Any) -> Any:
    """The outputs (K,) of a circuit with constant angles: every pair's error by itself, with copies as real qubits."""
    edges = [(a, b) for b in range(members) for a in range(b)]
    room = [len(part) for part in np.array_split(np.arange(circuit.qubits), members)]
    program = program_of(distributor(listed(circuit), ProcessorNetwork.from_edges(edges, room)))
    two = [gate for gate in circuit.gates if isinstance(gate, Entangler) or len(getattr(gate, "pauli", "")) == 2]
    draw, total = np.random.default_rng(1), np.zeros(circuit.outputs)
    for errors in itertools.product(range(4), repeat=program.pairs):
        chance = np.prod([w + (1 - w) / 4 if e == 0 else (1 - w) / 4 for e, w in zip(errors, werner, strict=True)])
        total += chance * values_of(run(program, two, errors, draw), circuit, program.end)
    return total


def run(program: Any, two: list[Any], errors: Any, draw: Any) -> StateVector:
    """One execution with these Pauli errors of pairs (0: none, 1: X, 2: Y, 3: Z on the far half)."""
    state, gates, of_pairs = StateVector(program.start), iter(two), iter(errors)
    for step in program.steps:
        if isinstance(step, Apply):
            state.apply(step.at, step.matrix)
        elif isinstance(step, Copy):
            state.add_pair(step.near, step.far)
            error = next(of_pairs)
            if error:
                state.apply(step.far, PAULIS["XYZ"[error - 1]])
            state.apply(step.near, HADAMARD)
            state.phase(step.source, step.near, np.pi)
            state.apply(step.near, HADAMARD)
            if state.measure(step.near, draw):
                state.apply(step.far, PAULIS["X"])
        elif isinstance(step, EndCopy):
            state.apply(step.at, HADAMARD)
            if state.measure(step.at, draw):
                state.apply(step.holder, PAULIS["Z"])
        else:
            assert isinstance(step, PhaseGate)
            gate = next(gates)
            angle = gate.terms[0].coefficient if isinstance(gate, Rotation) else np.pi / 2
            state.phase(step.first, step.second, -2 * angle if isinstance(gate, Rotation) else np.pi)
            for place in (step.first, step.second) if isinstance(gate, Rotation) else ():
                state.apply(place, rotation("z", angle))
    return state


def values_of(state: StateVector, circuit: GateCircuit, end: Any) -> Any:
    found = []
    for observable in circuit.observables:
        total = 0.0
        for weight, pauli in observable:
            moved = StateVector(end)
            moved.places, moved.amplitudes = list(state.places), state.amplitudes.copy()
            for qubit, letter in enumerate(reversed(pauli)):
                if letter != "I":
                    moved.apply(end[qubit], PAULIS[letter])
            total += weight * float(np.real(np.vdot(state.amplitudes, moved.amplitudes)))
        found.append(total)
    return np.array(found)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(12))
def test_values_are_those_of_an_execution_with_real_copies_and_every_error_of_every_pair(seed: int) -> None:
    draw, pairs = np.random.default_rng(seed), 0
    while not 1 <= pairs <= 4:
        qubits = int(draw.integers(2, 4))
        circuit = drawn(qubits, int(draw.integers(2, 6)), int(draw.integers(10**6)))
        homes, of_places = tuple(draw.integers(0, 2, qubits).tolist()), int(draw.integers(10**6))
        given = Given(homes, of_places, shared=seed % 4 > 0, moves=seed % 4 > 1)
        circuit = with_angles(circuit, draw.uniform(-3, 3, len(circuit.rotations)))
        shared = shared_by_qubits(circuit, 2, given)
        pairs = shared.pairs_within
    inputs = inputs_of(shared, seed, noisy=False)
    found = gate_engine.expectations(shared, inputs)
    assert inputs.werner is not None
    for lane, owner in ((0, 0), (1, 1)):
        wanted = executed_values(circuit, given, 2, inputs.werner[owner])
        np.testing.assert_allclose(found[lane], wanted, rtol=0, atol=1e-12)


def assert_perfect_pairs_change_nothing(shared: GateCircuit, circuit: GateCircuit, seed: int) -> None:
    inputs, output = inputs_of(shared, seed, perfect=True), np.array([0, 1, 0])
    for ours, wanted in zip(
        gate_engine.shifted_values(shared, inputs, output),
        gate_engine.shifted_values(circuit, inputs._replace(werner=None), output),
        strict=True,
    ):
        np.testing.assert_allclose(ours, wanted, rtol=0, atol=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize("distributor", [*DISTRIBUTORS, "moving"])
@pytest.mark.parametrize("members", [2, 3])
def test_with_perfect_pairs_a_shared_circuit_is_the_undistributed_one_noise_included(
    distributor: str, members: int
) -> None:
    for seed in range(3):
        circuit = drawn(4, 12, seed)
        moving = Given((0, 0, 0, 0), seed, moves=True)
        shared = shared_by_qubits(circuit, members, DISTRIBUTORS.get(distributor, moving))
        assert shared.pairs_within > 0
        assert_perfect_pairs_change_nothing(shared, circuit, seed)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_derivatives_are_those_of_shifted_angles(seed: int) -> None:
    circuit = drawn(3, 10, seed)
    shared = shared_by_qubits(circuit, 3, Given((0, 1, 2), seed, moves=seed % 2 == 1))
    assert shared.sharing is not None
    assert any(isinstance(step, Move) for _, step in shared.sharing.steps) == (seed % 2 == 1)
    inputs, output = inputs_of(shared, seed), np.array([0, 1, 0])
    assert shared.sharing.sectors > 1
    found, values = gate_engine.shifted_values(shared, inputs, output), gate_engine.expectations(shared, inputs)
    np.testing.assert_array_equal(found.value, values[np.arange(3), output])
    angles = circuit.angles(inputs.angles, inputs.parameters, inputs.owner)
    for r, number in enumerate(circuit.trained):
        for sign in (1, -1):
            for lane in range(3):
                turned = angles[lane].copy()
                turned[number] += sign * np.pi / 2
                wanted = gate_engine.expectations(with_angles(shared, turned), inputs)[lane, output[lane]]
                assert found.value[lane] + found.second[lane, r] + sign * found.first[lane, r] == pytest.approx(
                    wanted, abs=1e-12
                )


@pytest.mark.parametrize("teleported", [True, False])
@pytest.mark.parametrize(("ansatz", "entangler"), [("ring", "cx"), ("strongly_entangling", "cz")])
def test_one_pair_a_gate_is_what_the_circuits_of_this_package_do(ansatz: Any, entangler: Any, teleported: bool) -> None:
    whole = Circuit(4, 2, 2, ansatz=ansatz, entangler=entangler, reuploaded=not teleported)
    circuit = partition_by_qubits(whole, 2, teleported)
    own = layered(whole)
    if teleported:
        encoding = [Rotation(pauli, (q,), (Term(1.0, (q,)),)) for q in range(4) for pauli in "YZ"]
        trained = [g for g in own.gates if not (isinstance(g, Rotation) and g.terms[0].inputs)]
        own = prepared_at_hub(replace(own, gates=(*encoding, *trained)))
    shared = shared_by_qubits(own, 2, Given(circuit.parts, shared=False))
    assert shared.sharing is not None
    assert [set(ends) for ends in shared.sharing.ends] == [set(ends) for ends in pair_ends(circuit)]
    inputs, output = inputs_of(shared, 7), np.array([0, 1, 0])
    inputs.noise[:, :, Noise.READOUT] = 0
    for ours, theirs in zip(
        gate_engine.shifted_values(shared, inputs, output),
        pauli_engine.shifted_values(circuit, inputs, output),
        strict=True,
    ):
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-12)


def test_packing_spends_fewer_pairs_than_one_a_gate() -> None:
    """A copy of qubit 0 serves three gates, until a rotation about X mixes its value."""
    gates: list[Any] = [Rotation("Y", (0,), (Term(1.0, (0,)),))]
    for weight in range(2):
        gates += [Rotation("X", (0,), (Term(1.0, (), weight),))]
        gates += [Entangler("cx", (0, q)) for q in (2, 3)]
        gates += [Rotation("ZZ", (0, 2), (Term(1.0, (), weight),))]
    circuit = GateCircuit(4, 1, 2, tuple(gates), (((1.0, "IIIZ"),),))
    pairs = {
        name: shared_by_qubits(circuit, 2, Given((0, 0, 1, 1), shared=name == "packed")).pairs_within
        for name in ("static", "packed")
    }
    assert pairs == {"static": 6, "packed": 2}


def test_gates_of_a_qubit_that_has_moved_have_the_noise_of_the_processor_that_holds_it() -> None:
    gates: list[Any] = [Entangler("cz", (0, 1)), Rotation("X", (0,), (Term(1.0, (), 0),)), Entangler("cz", (0, 1))]
    circuit = GateCircuit(2, 1, 1, tuple(gates), (((1.0, "IZ"),),))

    def moved(circuit: GateList, network: ProcessorNetwork) -> Distribution:
        packets = packets_of(2, normal_form(2, circuit.gates))
        wide = ProcessorNetwork(network.names, (2, 2), network.edges)
        home = np.where((packets.owner == 0) & (packets.begin == 0), 0, 1)
        return Distribution(packets, wide, home, np.ones(len(packets.ends), np.int64))

    shared = shared_by_qubits(circuit, 2, moved).sharing
    assert shared is not None
    assert [shared.holders[section] for section in shared.sections] == [(0, 1), (1, 1), (1, 1)]
    assert shared.ends == ((0, 1),)
    assert [type(step) for _, step in shared.steps] == [ValueCopy, Wait, Move]


def test_the_packed_distributor_spends_pairs_where_they_take_the_fewest_links() -> None:
    """Three gates between the qubits of two processors: no wonder if all are near, else as near as may be."""
    gates: list[Any] = []
    for weight, (a, b) in enumerate([(0, 1), (1, 2), (0, 2), (0, 1), (0, 1)]):
        gates += [Rotation("X", (q,), (Term(1.0, (), weight),)) for q in (a, b)]
        gates += [Rotation("ZZ", (a, b), (Term(1.0, (), weight),))]
    circuit = GateCircuit(3, 1, 5, tuple(gates), (((1.0, "IIZ"),),))
    lengths = np.array([[0, 4, 4], [4, 0, 1], [4, 1, 0]])
    shared = shared_by_qubits(circuit, 3, PackedDistributor(4, 4_000, moves=False, keeps=False), lengths).sharing
    assert shared is not None
    near = {q for q, member in enumerate(shared.holders[0]) if member in (1, 2)}
    assert near == {0, 1}, "the two that have most gates"
    assert [set(ends) == {1, 2} for ends in shared.ends].count(True) == 3


def test_a_shared_circuit_says_between_whom_its_pairs_are() -> None:
    circuit = prepared_at_hub(drawn_prepared())
    shared = shared_by_qubits(circuit, 2, DISTRIBUTORS["packed"])
    assert shared.sharing is not None
    assert shared.sharing.ends[:3] == tuple((HUB, part) for part in shared.sharing.holders[0])
    assert sorted(shared.sharing.holders[0]) == [0, 0, 1]
    copies = [step for _, step in shared.sharing.steps if isinstance(step, ValueCopy)]
    assert [step.place for step in copies] == list(range(3, shared.pairs_within))


def drawn_prepared() -> GateCircuit:
    """Inputs on three qubits, then CX and rotations of weights."""
    gates: list[Any] = [Rotation("Y", (q,), (Term(1.0, (q,)),)) for q in range(3)]
    gates += [Entangler("cx", (0, 1)), Entangler("cx", (0, 2)), Rotation("Y", (0,), (Term(1.0, (), 0),))]
    gates += [Rotation("XY", (0, 2), (Term(1.0, (), 1),))]
    return GateCircuit(3, 3, 2, tuple(gates), (((1.0, "IIZ"),),))


def test_more_processors_than_qubits_are_refused() -> None:
    with pytest.raises(ValueError, match="3 qubits to share, got 4 processors"):
        shared_by_qubits(drawn_prepared(), 4, StaticDistributor())
