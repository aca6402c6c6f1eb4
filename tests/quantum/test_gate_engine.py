"""The engines for circuits of the user's own against Qiskit and Aer, and against those for circuits in layers."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ceas_ray.quantum import gate_engine, gate_state_vectors, pauli_engine
from ceas_ray.quantum.circuit import Circuit
from ceas_ray.quantum.circuit_import import compiled
from ceas_ray.quantum.circuit_values import outcome_visibility
from ceas_ray.quantum.estimator import UNSHIFTED, Circuits, TableSampler
from ceas_ray.quantum.gate_circuit import Entangler, GateCircuit, Rotation, Term, first_qubits, read_observable
from ceas_ray.quantum.gate_noise import Noise, noiseless
from ceas_ray.quantum.pauli_engine import LaneInputs
from tests.quantum.gate_circuits import (
    ideal_values,
    measured_signs,
    noisy_values,
    random_circuit,
    random_observables,
)

LANES = 3


def drawn(qubits: int, gates: int, seed: int) -> tuple[GateCircuit, LaneInputs, Any]:
    """Return a random circuit, noisy inputs of two processors, and the `QuantumCircuit` with its vectors."""
    made = random_circuit(qubits, gates, seed)
    circuit = replace(compiled(*made, max_qubits=8), observables=random_observables(qubits, 2, seed))
    draw = np.random.default_rng(seed)
    inputs = LaneInputs(
        angles=draw.uniform(-2, 2, (LANES, circuit.inputs)),
        parameters=draw.uniform(-3, 3, (2, circuit.parameter_count)),
        noise=draw.uniform(0, 0.2, (2, qubits, len(Noise))),
        attenuation=np.ones((2, qubits + 1)),
        owner=np.array([0, 1, 1]),
    )
    return circuit, inputs, made


def assert_aer_agrees(qubits: int, gates: int, seed: int, shifted: int) -> None:
    """Values with and without noise, and those at some shifts."""
    circuit, inputs, made = drawn(qubits, gates, seed)
    x, theta, owner = inputs.angles, inputs.parameters, inputs.owner
    ideal = gate_engine.expectations(circuit, inputs._replace(noise=noiseless(2, qubits)))
    wanted = [
        ideal_values(*made, values=(x[b], theta[owner[b]]), observables=circuit.observables) for b in range(LANES)
    ]
    np.testing.assert_allclose(ideal, wanted, rtol=0, atol=1e-12)
    np.testing.assert_allclose(gate_state_vectors.expectations(circuit, x, theta, owner), wanted, rtol=0, atol=1e-12)

    output, angles = np.arange(LANES) % 2, circuit.angles(x, theta, owner)
    found, values = gate_engine.shifted_values(circuit, inputs, output), gate_engine.expectations(circuit, inputs)
    np.testing.assert_array_equal(found.value, values[np.arange(LANES), output])
    lane = seed % LANES
    np.testing.assert_allclose(
        values[lane], noisy_values(circuit, angles[lane], inputs.noise[owner[lane]]), rtol=0, atol=1e-12
    )
    for r in np.random.default_rng(seed).permutation(circuit.shift_count)[:shifted]:
        for sign in (1, -1):
            turned = angles[lane].copy()
            turned[circuit.trained[r]] += sign * np.pi / 2
            wanted_value = noisy_values(circuit, turned, inputs.noise[owner[lane]])[output[lane]]
            ours = found.value[lane] + found.second[lane, r] + sign * found.first[lane, r]
            assert abs(ours - wanted_value) <= 1e-12


@pytest.mark.slow
@settings(max_examples=5, deadline=None)
@given(qubits=st.integers(1, 3), seed=st.integers(0, 10_000))
def test_random_circuits_of_all_gates_have_the_values_that_qiskit_and_aer_find(qubits: int, seed: int) -> None:
    assert_aer_agrees(qubits, gates=8, seed=seed, shifted=1)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(200))
def test_200_circuits_of_one_to_eight_qubits_have_the_values_that_qiskit_and_aer_find(seed: int) -> None:
    qubits = 1 + seed % 8
    assert_aer_agrees(qubits, gates=16 if qubits < 6 else 8, seed=seed, shifted=3 if qubits < 6 else 1)


def assert_aer_shoots_alike(qubits: int, gates: int, seed: int, shots: int) -> None:
    """The value of an output with noise, and the means of shots of either, which spread as those of signs do."""
    circuit, inputs, _ = drawn(qubits, gates, seed)
    circuit = replace(circuit, observables=circuit.observables[:1])
    lane = seed % LANES
    noise = inputs.noise[inputs.owner[lane]]
    angles = circuit.angles(inputs.angles, inputs.parameters, inputs.owner)[lane]
    values = gate_engine.expectations(circuit, inputs)[[lane]]
    np.testing.assert_allclose(values[0], noisy_values(circuit, angles, noise), rtol=0, atol=1e-12)
    never = np.zeros((1, 1, circuit.shift_count))
    sampler = TableSampler(values, never, never, outcome_visibility(circuit, noise))
    unshifted = Circuits(np.zeros(shots, np.int64), np.full(shots, UNSHIFTED), np.ones(shots))
    ours = sampler(unshifted, np.random.default_rng(seed)).mean()
    (aers,) = measured_signs(circuit, angles, noise, shots=shots, seed=seed + 1)
    law = float(values[0, 0] / circuit.scales[0])
    for mean in (ours, aers):
        assert abs(mean - law) < 4.5 * np.sqrt((1 - law**2) / shots) + 1e-9


@pytest.mark.slow
def test_shots_have_the_law_of_aers_own() -> None:
    assert_aer_shoots_alike(3, gates=8, seed=1, shots=2_000)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(300, 340))
def test_40_circuits_of_five_to_eight_qubits_have_aers_values_and_shots(seed: int) -> None:
    assert_aer_shoots_alike(5 + seed % 4, gates=12, seed=seed, shots=4_000)


@pytest.mark.parametrize("seed", range(3))
def test_shared_weights_have_the_derivatives_that_differences_of_values_show(seed: int) -> None:
    circuit, inputs, _ = drawn(2, 12, seed)
    inputs = inputs._replace(noise=noiseless(2, 2))
    x, theta, owner = inputs.angles, inputs.parameters, inputs.owner
    output = np.arange(LANES) % 2
    by_angle = gate_engine.shifted_values(circuit, inputs, output).first
    slopes = np.broadcast_to(circuit.slopes(x), (LANES, circuit.shift_count, circuit.parameter_count))
    found = np.einsum("br,brp->bp", by_angle, slopes)
    for i, step in enumerate(1e-5 * np.eye(circuit.parameter_count)):
        up, down = (gate_state_vectors.expectations(circuit, x, theta + s * step, owner) for s in (1, -1))
        difference = (up - down)[np.arange(LANES), output] / 2e-5
        np.testing.assert_allclose(found[:, i], difference, rtol=0, atol=1e-7)
    reverse = gate_state_vectors.reverse_mode(circuit, x, theta, owner=owner, cotangent=np.eye(2)[output])
    np.testing.assert_allclose(reverse.first, found, rtol=0, atol=1e-12)
    np.testing.assert_allclose(reverse.values, gate_engine.expectations(circuit, inputs), rtol=0, atol=1e-12)


@pytest.mark.parametrize("seed", range(3))
def test_state_vectors_have_the_derivatives_of_density_matrices_without_noise(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    circuit, inputs, _ = drawn(3, 12, seed)
    noise = noiseless(2, 3)
    noise[:, :, Noise.READOUT] = np.random.default_rng(seed).uniform(0, 0.2, (2, 3))
    inputs, output = inputs._replace(noise=noise), np.arange(LANES) % 2
    monkeypatch.setattr(gate_state_vectors, "_MAX_BYTES", 2 * 16 * 2**3)  # two derivatives at a time
    found = gate_state_vectors.shifted_values(circuit, inputs, output)
    for ours, wanted in zip(found, gate_engine.shifted_values(circuit, inputs, output), strict=True):
        np.testing.assert_allclose(ours, wanted, rtol=0, atol=1e-12)


def test_state_vectors_of_noisy_gates_are_refused() -> None:
    circuit, inputs, _ = drawn(2, 4, 0)
    with pytest.raises(ValueError, match="perfect gates"):
        gate_state_vectors.shifted_values(circuit, inputs, np.zeros(LANES, np.int64))


def layered(circuit: Circuit) -> GateCircuit:
    """Return a circuit in layers as a list of gates."""
    gates: list[Any] = []
    number = iter(range(circuit.parameter_count))
    for entanglers in circuit.gates:
        for q in range(circuit.qubits):
            gates += [Rotation(pauli, (q,), (Term(1.0, (q,)),)) for pauli in "YZ"]
            gates += [Rotation("YZ"[axis], (q,), (Term(1.0, weight=next(number)),)) for axis in circuit.rotations]
        gates += [Entangler(circuit.entangler, pair) for pair in entanglers]
    outputs = first_qubits(circuit.qubits, circuit.outputs)
    return GateCircuit(circuit.qubits, circuit.qubits, circuit.parameter_count, tuple(gates), outputs)


@pytest.mark.parametrize("ansatz", ["ring", "hardware_efficient", "strongly_entangling"])
def test_a_circuit_of_this_package_has_the_same_values_gate_by_gate(ansatz: Any) -> None:
    circuit = Circuit(4, 2, 3, ansatz=ansatz, entangler="cz" if ansatz == "ring" else "cx", reuploaded=True)
    draw = np.random.default_rng(5)
    noise = draw.uniform(0, 0.1, (2, 4, len(Noise)))
    noise[:, :, Noise.READOUT] = 0
    inputs = LaneInputs(
        angles=draw.uniform(-2, 2, (9, 4)),
        parameters=draw.uniform(-3, 3, (2, circuit.parameter_count)),
        noise=noise,
        attenuation=np.ones((2, 5)),
        owner=draw.integers(0, 2, 9),
    )
    output = np.arange(9) % 3
    for ours, theirs in zip(
        gate_engine.shifted_values(layered(circuit), inputs, output),
        pauli_engine.shifted_values(circuit, inputs, output),
        strict=True,
    ):
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-12)


def test_values_depend_on_nothing_but_the_lane() -> None:
    circuit, inputs, _ = drawn(3, 10, 1)
    output = np.arange(LANES) % 2
    alone = gate_engine.shifted_values(circuit, inputs, output)
    many = inputs._replace(angles=np.tile(inputs.angles, (7, 1)), owner=np.tile(inputs.owner, 7))
    packed = gate_engine.shifted_values(circuit, many, np.tile(output, 7), threads=3)
    for one, some in zip(alone, packed, strict=True):
        np.testing.assert_array_equal(some, np.concatenate([one] * 7))


def test_wrong_shapes_are_refused() -> None:
    circuit, inputs, _ = drawn(2, 4, 0)
    with pytest.raises(ValueError, match="noise must have shape"):
        gate_engine.expectations(circuit, inputs._replace(noise=inputs.noise[:, :1]))


def test_a_circuit_is_read_from_its_description_in_json() -> None:
    circuit, _, _ = drawn(3, 12, 3)
    assert GateCircuit.from_description(json.loads(json.dumps(circuit.description()))) == circuit


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("ZI", ((1.0, "ZI"),)),
        ("0.5*ZZ - 2 XI + .25IY", ((0.5, "ZZ"), (-2.0, "XI"), (0.25, "IY"))),
        ("-1e-1*ZZ+XX", ((-0.1, "ZZ"), (1.0, "XX"))),
        ("ZZ + ZZ", ((2.0, "ZZ"),)),
    ],
)
def test_an_observable_is_a_sum_of_weighted_pauli_strings(text: str, terms: Any) -> None:
    assert read_observable(text, 2) == terms


@pytest.mark.parametrize("text", ["", "ZZZ", "Z0", "ZZ ZZ", "0*ZZ", "ZZ - ZZ", "zz", "1e999*ZZ", "ZZ +"])
def test_what_is_no_observable_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="Pauli strings"):
        read_observable(text, 2)
