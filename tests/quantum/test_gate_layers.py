"""Circuits of the user's own that are shared by layers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from ceas_ray.quantum import gate_engine
from ceas_ray.quantum.circuit_import import compiled
from ceas_ray.quantum.gate_circuit import Entangler, FixedGate, GateCircuit, Rotation, Term
from ceas_ray.quantum.gate_layers import shared_by_layers
from ceas_ray.quantum.gate_noise import Noise
from ceas_ray.quantum.gate_prefix import prepared_at_hub
from ceas_ray.quantum.gate_sharing import QubitWait
from ceas_ray.quantum.pauli_engine import LaneInputs
from tests.quantum.density_matrices import PAULI_I, PAULI_X, PAULI_Y, PAULI_Z, channel, depolarizing, on, relaxation
from tests.quantum.gate_circuits import random_circuit, random_observables


def rotation(pauli: str, qubit: int, weight: int = 0) -> Rotation:
    return Rotation(pauli, (qubit,), (Term(1.0, (), weight),))


LADDER = GateCircuit(
    3,
    1,
    1,
    (
        Rotation("Y", (0,), (Term(1.0, (0,)),)),
        Entangler("cx", (0, 1)),
        rotation("X", 2),
        Entangler("cx", (1, 2)),
        rotation("Y", 0),
    ),
    (((1.0, "ZII"),),),
)


def test_without_barriers_gates_of_equal_depth_are_a_layer() -> None:
    """Depths are 0, 1, 0, 2 and 2: the first member does two of three."""
    shared = shared_by_layers(LADDER, 2)
    assert shared.sharing is not None
    assert shared.gates == tuple(LADDER.gates[g] for g in (0, 1, 2, 3, 4))
    assert shared.sharing.sections == (0, 0, 0, 1, 1)
    shared = shared_by_layers(LADDER, 3)
    assert shared.sharing is not None
    assert shared.gates == tuple(LADDER.gates[g] for g in (0, 2, 1, 3, 4))
    assert shared.sharing.sections == (0, 0, 1, 2, 2)
    assert shared.sharing.ends == ((0, 1),) * 3 + ((1, 2),) * 3
    with pytest.raises(ValueError, match=r"3 layers \(of equal depth\) to share, got 4 processors"):
        shared_by_layers(LADDER, 4)


def test_barriers_on_all_qubits_cut_layers_and_the_hub_teleports_what_it_prepares() -> None:
    circuit = prepared_at_hub(replace(LADDER, barriers=(0, 2, 4, 5)))
    assert circuit.prepared == 1
    shared = shared_by_layers(circuit, 2)
    assert shared.sharing is not None
    assert shared.sharing.sections == (0, 0, 0, 0, 1)
    assert shared.sharing.ends == ((-1, 0),) * 3 + ((0, 1),) * 3
    assert [number for number, _ in shared.sharing.steps] == [1, 1, 1, 4, 4, 4]


def test_barriers_of_a_program_are_those_on_all_qubits() -> None:
    made, x, theta = random_circuit(3, 2, 1)
    before = len(compiled(made, x, theta, max_qubits=4).gates)
    made.barrier(0, 1)
    made.barrier()
    made.ry(theta[0], 0)
    assert compiled(made, x, theta, max_qubits=4).barriers == (before,)


def inputs_of(circuit: GateCircuit, werner: Any, noise: Any) -> LaneInputs:
    draw = np.random.default_rng(3)
    return LaneInputs(
        angles=draw.uniform(-2, 2, (2, circuit.inputs)),
        parameters=draw.uniform(-2, 2, (1, circuit.parameter_count)),
        noise=noise,
        attenuation=np.ones((1, circuit.qubits + 1)),
        owner=np.zeros(2, np.int64),
        werner=werner,
    )


def test_with_perfect_pairs_it_makes_no_difference_and_each_member_has_its_own_noise() -> None:
    circuit = replace(compiled(*random_circuit(3, 9, 5), max_qubits=4), observables=random_observables(3, 2, 5))
    shared, output = shared_by_layers(circuit, 2), np.array([0, 1])
    noise = np.random.default_rng(8).uniform(0, 0.1, (1, 3, len(Noise)))
    alone = gate_engine.shifted_values(circuit, inputs_of(circuit, None, noise), output)
    same = gate_engine.shifted_values(shared, inputs_of(shared, None, noise), output)
    np.testing.assert_allclose(same.value, alone.value, atol=1e-12)
    np.testing.assert_allclose(np.sort(same.first), np.sort(alone.first), atol=1e-12)
    perfect = np.stack([noise, np.zeros_like(noise)], axis=1)
    less = gate_engine.expectations(shared, inputs_of(shared, None, perfect))
    assert np.abs(less - gate_engine.expectations(shared, inputs_of(shared, None, noise))).max() > 1e-3


def test_each_teleportation_depolarizes_its_qubit() -> None:
    """A rotation about X by an input on each qubit, teleported: <ZI> has the w of qubit 1, <ZZ> that of both."""
    gates = tuple(Rotation("X", (q,), (Term(1.0, (q,)),)) for q in range(2))
    gates += tuple(Rotation("Z", (q,), (Term(1.0, (), q),)) for q in range(2))
    observables: Any = (((1.0, "ZI"),), ((1.0, "ZZ"),))
    shared = shared_by_layers(GateCircuit(2, 2, 2, gates, observables), 2)
    noise = np.zeros((1, 2, len(Noise)))
    ideal = gate_engine.expectations(shared, inputs_of(shared, None, noise))
    found = gate_engine.expectations(shared, inputs_of(shared, np.array([[0.9, 0.7]]), noise))
    np.testing.assert_allclose(found, ideal * [0.7, 0.9 * 0.7], atol=1e-12)


PAULIS = {"I": PAULI_I, "X": PAULI_X, "Y": PAULI_Y, "Z": PAULI_Z}


def unitary(gate: Any, angle: float, qubits: int) -> Any:
    if isinstance(gate, FixedGate):
        return on(gate.unitary, gate.qubit, qubits)
    if isinstance(gate, Rotation):
        generator = np.eye(2**qubits)
        for letter, qubit in zip(gate.pauli, gate.qubits, strict=True):
            generator = generator @ on(PAULIS[letter], qubit, qubits)
        return np.cos(angle / 2) * np.eye(2**qubits) - 1j * np.sin(angle / 2) * generator
    control, target = gate.qubits
    flip = on(PAULI_X if gate.name == "cx" else PAULI_Z, target, qubits)
    one = on((PAULI_I - PAULI_Z) / 2, control, qubits)
    return np.eye(2**qubits) - one + one @ flip


@pytest.mark.parametrize("seed", range(10))
def test_values_where_data_qubits_relax_while_they_wait_are_those_of_density_matrices(seed: int) -> None:
    circuit = replace(compiled(*random_circuit(3, 9, seed), max_qubits=4), observables=random_observables(3, 2, seed))
    shared, draw = shared_by_layers(circuit, 3, qubits_lose=True), np.random.default_rng(seed)
    assert shared.sharing is not None
    pairs, ages = draw.uniform(0.6, 1, shared.pairs_within), draw.uniform(0, 1, len(shared.sharing.qubit_waits))
    t1, t2 = 1.5, 1.1
    kept = [np.exp(-age / t) for age in ages for t in (t2, t1, t1)]
    inputs = inputs_of(shared, np.array([[*pairs, *kept]]), np.zeros((1, 3, len(Noise))))
    angles = iter(shared.angles(inputs.angles, inputs.parameters, inputs.owner)[0])
    rho, wait = np.zeros((8, 8), complex), iter(ages)
    rho[0, 0] = 1
    for number, gate in enumerate(shared.gates):
        for step in (step for before, step in shared.sharing.steps if before == number):
            lost = relaxation(next(wait), t1, t2) if isinstance(step, QubitWait) else depolarizing(pairs[step.place])
            rho = channel(rho, lost, step.qubit)
        whole = unitary(gate, next(angles) if isinstance(gate, Rotation) else 0.0, 3)
        rho = whole @ rho @ whole.conj().T
    assert next(wait, None) is None
    wanted = []
    for observable in shared.observables:
        operators = [(w, [on(PAULIS[p], q, 3) for q, p in enumerate(reversed(paulis))]) for w, paulis in observable]
        wanted.append(sum(w * np.trace(a @ b @ c @ rho).real for w, (a, b, c) in operators))
    found = gate_engine.expectations(shared, inputs)[0]
    np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-12)


@pytest.mark.parametrize("seed", range(5))
def test_with_perfect_pairs_gradients_are_those_of_the_circuit_in_one_place(seed: int) -> None:
    """By the weights, which rotations share: the order of gates differs, the gradient does not."""
    circuit = replace(compiled(*random_circuit(4, 14, seed), max_qubits=4), observables=random_observables(4, 2, seed))
    output, gradients = np.array([0, 1]), []
    for members in (1, 2, 3):
        shared = shared_by_layers(circuit, members) if members > 1 else circuit
        inputs = inputs_of(shared, None, np.zeros((1, 4, len(Noise))))
        found = gate_engine.shifted_values(shared, inputs, output)
        slopes = np.broadcast_to(shared.slopes(inputs.angles), (2, shared.shift_count, shared.parameter_count))
        gradients.append(np.einsum("br,brp->bp", found.first, slopes))
    np.testing.assert_allclose(gradients[1], gradients[0], rtol=0, atol=1e-12)
    np.testing.assert_allclose(gradients[2], gradients[0], rtol=0, atol=1e-12)
    assert np.abs(gradients[0]).max() > 1e-3
