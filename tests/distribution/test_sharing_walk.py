"""Shared circuits with imperfect pairs and memories, against brute force: density matrices with every copy in them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from ceas_ray.distribution.distribution import Distribution
from ceas_ray.distribution.packed_distributor import PackedDistributor
from ceas_ray.distribution.packets import packets_of
from ceas_ray.distribution.processor_network import ProcessorNetwork
from ceas_ray.distribution.program import Apply, Copy, EndCopy, Flip, PhaseGate, Program, program_of
from ceas_ray.distribution.schedule import Schedule, schedule_of
from ceas_ray.distribution.search import drop_useless_copies
from ceas_ray.distribution.search_state import state_of
from ceas_ray.distribution.shared_gates import listed, shared_by_qubits
from ceas_ray.quantum import gate_engine
from ceas_ray.quantum.gate_circuit import Entangler, GateCircuit, Rotation, Term
from ceas_ray.quantum.gate_list import GateList, normal_form
from ceas_ray.quantum.gate_sharing import Sharing, Wait
from ceas_ray.quantum.shot_clock import PairSpent
from tests.distribution.circuits import HADAMARD, X, rotation
from tests.distribution.execution import DensityMatrix, Z, most_at_once
from tests.distribution.test_shared_gates import (
    DISTRIBUTORS,
    PAULIS,
    assert_perfect_pairs_change_nothing,
    drawn,
    inputs_of,
    with_angles,
)
from tests.quantum.gate_circuits import random_observables


@dataclass(frozen=True)
class Drawn:
    """Homes, places and kept copies at random; where copies are kept, qubits stay."""

    seed: int
    keeps: bool

    def __call__(self, circuit: GateList, network: ProcessorNetwork) -> Distribution:
        draw, members = np.random.default_rng(self.seed), len(network.names)
        packets = packets_of(circuit.qubits, normal_form(circuit.qubits, circuit.gates))
        wide = ProcessorNetwork(network.names, (circuit.qubits,) * members, network.edges)
        place = draw.integers(0, members, len(packets.ends))
        if not self.keeps:
            return Distribution(packets, wide, draw.integers(0, members, len(packets.owner)), place)
        home = draw.integers(0, members, circuit.qubits)[packets.owner]
        kept = np.where(packets.crossable, draw.integers(0, 2**members, len(home)) & ~(1 << home), 0)
        state = state_of(packets, wide, (home, place, kept), moving=False)
        drop_useless_copies(state)
        return Distribution(packets, wide, home, place, state.packet["kept"])


def flipping(qubits: int, gates: int, seed: int) -> GateCircuit:
    """CX, rotations about ZZ, and now and then about one axis, so that copies can be kept over flips."""
    draw = np.random.default_rng(seed)
    found: list[Any] = [Rotation("Y", (q,), (Term(1.0, (q,)),)) for q in range(qubits)]
    for weight in range(gates):
        first, second = (int(q) for q in draw.permutation(qubits)[:2])
        kind = draw.random()
        if kind < 0.6:
            found.append(Entangler("cx", (first, second)))
        elif kind < 0.85:
            found.append(Rotation("ZZ", (first, second), (Term(1.0, (), weight),)))
        else:
            found.append(Rotation("XYZ"[int(draw.integers(3))], (first,), (Term(1.0, (), weight),)))
    return GateCircuit(qubits, qubits, gates, tuple(found), random_observables(qubits, 2, seed))


def executed_values(circuit: GateCircuit, program: Program, sharing: Sharing, werner: Any) -> Any:
    """The outputs (K,) of a circuit with constant angles; each pair a Werner state, each wait a depolarizing memory."""
    state = DensityMatrix(program.start)
    two = iter(g for g in circuit.gates if isinstance(g, Entangler) or len(getattr(g, "pauli", "")) == 2)
    place_of = {event.target: event.place for event in sharing.events if isinstance(event, PairSpent)}
    uses = {
        place: [column for column, of in enumerate(sharing.waits, len(sharing.ends)) if of == place]
        for place in place_of.values()
    }
    used: set[int] = set()

    def use(at: Any) -> None:
        place = place_of.get(at.number)
        if place is None or at in holders:
            return
        if place in used:
            depolarize(state, at, werner[uses[place].pop(0)])
        used.add(place)

    holders = set(program.start)
    for step in program.steps:
        if isinstance(step, Apply):
            state.apply(step.at, step.matrix)
        elif isinstance(step, Copy):
            use(step.source)
            w = werner[place_of[step.far.number]]
            state.add_pair(step.near, step.far, [w + (1 - w) / 4, *[(1 - w) / 4] * 3])
            state.controlled_not(step.source, step.near)
            state.measured_with(step.near, step.far, X)
        elif isinstance(step, EndCopy):
            if step.at in holders:
                use(step.holder)
                holders = holders - {step.at} | {step.holder}
            state.apply(step.at, HADAMARD)
            state.measured_with(step.at, step.holder, Z)
        elif isinstance(step, Flip):
            use(step.control)
            state.controlled_not(step.control, step.target)
        else:
            assert isinstance(step, PhaseGate)
            use(step.first)
            use(step.second)
            gate = next(two)
            angle = gate.terms[0].coefficient if isinstance(gate, Rotation) else np.pi / 2
            state.phase(step.first, step.second, -2 * angle if isinstance(gate, Rotation) else np.pi)
            for place in (step.first, step.second) if isinstance(gate, Rotation) else ():
                state.apply(place, rotation("z", angle))
    assert not any(uses.values()), "every wait was met"
    return values_of(state, circuit, program.end)


def depolarize(state: DensityMatrix, place: Any, werner: float) -> None:
    whole = state.entries
    total = (werner + (1 - werner) / 4) * whole
    for pauli in PAULIS.values():
        state.entries = whole
        state.apply(place, pauli)
        total = total + (1 - werner) / 4 * state.entries
    state.entries = total


def values_of(state: DensityMatrix, circuit: GateCircuit, end: Any) -> Any:
    axes = [state.places.index(place) for place in end]
    n, found = len(axes), []
    matrix = state.entries.transpose([*axes, *(axis + n for axis in axes)])
    for observable in circuit.observables:
        total = 0.0
        for weight, pauli in observable:
            moved = matrix
            for qubit, letter in enumerate(reversed(pauli)):
                if letter != "I":
                    moved = np.moveaxis(np.tensordot(PAULIS[letter], moved, (1, qubit)), 0, qubit)
            total += weight * float(np.real(np.trace(moved.reshape(2**n, 2**n))))
        found.append(total)
    return np.array(found)


def case(
    seed: int, most_qubits: int, gates: int, most_at: int, given: Any = None
) -> tuple[GateCircuit, GateCircuit, Schedule]:
    """A circuit with constant angles, the same as it is shared, and its schedule, which brute force has memory for.

    given: the distributor; None: one as the seed has it.
    """
    draw = np.random.default_rng(seed)
    while True:
        qubits, members = int(draw.integers(2, most_qubits + 1)), int(draw.integers(2, 4))
        keeps, of_circuit = seed % 2 == 0, int(draw.integers(10**6))
        circuit = flipping(qubits, gates, of_circuit) if keeps else drawn(qubits, gates, of_circuit)
        circuit = with_angles(circuit, draw.uniform(-3, 3, len(circuit.rotations)))
        if members > qubits:
            continue
        distributor: Any = given
        if given is None:
            distributor = Drawn(of_circuit, keeps) if seed % 3 else list(DISTRIBUTORS.values())[seed // 3 % 3]
        shared = shared_by_qubits(circuit, members, distributor)
        edges = [(a, b) for b in range(members) for a in range(b)]
        room = [len(part) for part in np.array_split(np.arange(qubits), members)]
        schedule = schedule_of(program_of(distributor(listed(circuit), ProcessorNetwork.from_edges(edges, room))))
        if schedule.program.pairs > 0 and most_at_once(schedule) <= most_at:
            return circuit, shared, schedule


def check(seed: int, most_qubits: int = 4, gates: int = 8, most_at: int = 7, given: Any = None) -> None:
    circuit, shared, schedule = case(seed, most_qubits, gates, most_at, given)
    assert shared.sharing is not None
    draw = np.random.default_rng(seed)
    werner = draw.uniform(0.5, 1, (2, shared.sharing.columns))
    inputs = inputs_of(shared, seed, noisy=False)._replace(werner=werner)
    found = gate_engine.expectations(shared, inputs)
    for lane, owner in ((0, 0), (1, 1)):
        wanted = executed_values(circuit, schedule.program, shared.sharing, werner[owner])
        np.testing.assert_allclose(found[lane], wanted, rtol=0, atol=1e-12)


@pytest.mark.parametrize("seed", range(12))
def test_values_are_those_of_brute_force_with_memories(seed: int) -> None:
    check(seed)


@pytest.mark.slow
@pytest.mark.parametrize("first", range(100, 200, 20))
def test_values_of_a_hundred_circuits_are_those_of_brute_force_with_memories(first: int) -> None:
    for seed in range(first, first + 20):
        check(seed, 5, 14, 10)


@pytest.mark.slow
@pytest.mark.parametrize("first", range(200, 220, 5))
def test_what_training_packs_is_brute_force_too_moved_qubits_and_kept_copies_included(first: int) -> None:
    for seed in range(first, first + 5):
        check(seed, 5, 14, 10, PackedDistributor(2, 2_000))


def test_there_are_kept_copies_and_waits_among_what_is_checked() -> None:
    shared = [case(seed, 4, 8, 7) for seed in range(12)]
    flips = [step for _, _, schedule in shared for step in schedule.program.steps if isinstance(step, Flip)]
    waits = [step for _, of, _ in shared if of.sharing for _, step in of.sharing.steps if isinstance(step, Wait)]
    assert len(flips) > 3
    assert len(waits) > 10
    assert any(wait.kept for wait in waits) or any(wait.flips & (wait.flips - 1) for wait in waits)


@pytest.mark.parametrize("seed", range(3))
def test_with_perfect_pairs_and_memories_kept_copies_change_nothing_noise_included(seed: int) -> None:
    circuit = flipping(4, 12, seed)
    assert_perfect_pairs_change_nothing(shared_by_qubits(circuit, 3, Drawn(seed, keeps=True)), circuit, seed)


@pytest.mark.parametrize("seed", range(4))
def test_derivatives_with_waits_are_those_of_shifted_angles(seed: int) -> None:
    circuit = flipping(3, 10, seed)
    shared = shared_by_qubits(circuit, 3, Drawn(seed, keeps=True), qubits_lose=seed > 1)
    assert shared.sharing is not None
    assert shared.sharing.waits
    assert bool(shared.sharing.qubit_waits) == (seed > 1)
    columns = np.random.default_rng(seed).uniform(0.5, 1, (2, shared.sharing.columns))
    inputs, output = inputs_of(shared, seed)._replace(werner=columns), np.array([0, 1, 0])
    found = gate_engine.shifted_values(shared, inputs, output)
    angles = circuit.angles(inputs.angles, inputs.parameters, inputs.owner)
    for r, number in enumerate(circuit.trained):
        for sign, lane in ((1, 0), (-1, 1)):
            turned = angles[lane].copy()
            turned[number] += sign * np.pi / 2
            wanted = gate_engine.expectations(with_angles(shared, turned), inputs)[lane, output[lane]]
            assert found.value[lane] + found.second[lane, r] + sign * found.first[lane, r] == pytest.approx(
                wanted, abs=1e-12
            )


def test_a_wait_before_a_use_leaves_what_a_pair_of_that_werner_parameter_would() -> None:
    """A copy that serves one gate, then waits, then serves another."""
    gates: list[Any] = [Rotation("Y", (q,), (Term(1.0, (q,)),)) for q in range(3)]
    gates += [Rotation("ZZ", (0, 1), (Term(0.3),)), Rotation("ZZ", (0, 2), (Term(0.4),))]
    circuit = GateCircuit(3, 3, 1, tuple(gates), (((1.0, "IYI"),), ((1.0, "YII"),)))
    shared = shared_by_qubits(circuit, 2, _at_second)
    assert shared.sharing is not None
    assert shared.sharing.waits == (0,)
    pairs, waits = (
        gate_engine.expectations(shared, inputs_of(shared, 1, noisy=False)._replace(werner=np.array(columns)))
        for columns in ([[0.7, 1.0]] * 2, [[1.0, 0.7]] * 2)
    )
    assert np.max(np.abs(pairs[:, 1] - waits[:, 1])) < 1e-12, "the gate behind the wait meets the same error"
    assert np.max(np.abs(pairs[:, 0] - waits[:, 0])) > 1e-3, "the one before it meets none"


def _at_second(circuit: GateList, network: ProcessorNetwork) -> Distribution:
    packets = packets_of(circuit.qubits, normal_form(circuit.qubits, circuit.gates))
    wide = ProcessorNetwork(network.names, (3, 3), network.edges)
    home = np.array([0, 1, 1])[packets.owner]
    return Distribution(packets, wide, home, np.ones(len(packets.ends), np.int64))
