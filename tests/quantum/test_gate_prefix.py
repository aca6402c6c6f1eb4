"""Circuits of the user's own whose inputs a hub prepares and teleports: as those in layers, and as density matrices."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from ceas_ray.quantum import gate_engine, pauli_engine
from ceas_ray.quantum.circuit import Circuit
from ceas_ray.quantum.contrast import contrast, weight_profiles
from ceas_ray.quantum.gate_circuit import Entangler, FixedGate, GateCircuit, Rotation, Term, first_qubits
from ceas_ray.quantum.gate_noise import Noise, noiseless, visibility
from ceas_ray.quantum.gate_prefix import prepared_at_hub
from ceas_ray.quantum.pauli_engine import LaneInputs
from ceas_ray.quantum.trap_circuits import answer_contrasts, own_answer_contrasts
from tests.quantum.gate_circuits import random_observables

X0, THETA0 = (Term(1.0, (0,)),), (Term(1.0, weight=0),)
HADAMARD = FixedGate(1, tuple(np.sqrt(0.5) * np.array([1, 0, 1, 0, 1, 0, -1, 0])))


def encoded_once(circuit: Circuit) -> GateCircuit:
    """Return a circuit in layers as a list of gates whose first ones the hub does."""
    gates: list[Any] = [Rotation(pauli, (q,), (Term(1.0, (q,)),)) for q in range(circuit.qubits) for pauli in "YZ"]
    number = iter(range(circuit.parameter_count))
    for entanglers in circuit.gates:
        gates += [
            Rotation("YZ"[axis], (q,), (Term(1.0, weight=next(number)),))
            for q in range(circuit.qubits)
            for axis in circuit.rotations
        ]
        gates += [Entangler(circuit.entangler, pair) for pair in entanglers]
    outputs = first_qubits(circuit.qubits, circuit.outputs)
    return prepared_at_hub(GateCircuit(circuit.qubits, circuit.qubits, circuit.parameter_count, tuple(gates), outputs))


def problem(circuit: Circuit, readout: bool = False) -> LaneInputs:
    draw = np.random.default_rng(5)
    noise = draw.uniform(0, 0.1, (2, circuit.qubits, len(Noise)))
    noise[:, :, Noise.READOUT] *= readout
    return LaneInputs(
        angles=draw.uniform(-2, 2, (9, circuit.qubits)),
        parameters=draw.uniform(-3, 3, (2, circuit.parameter_count)),
        noise=noise,
        attenuation=draw.uniform(0.7, 1, (2, 1)) ** np.arange(circuit.qubits + 1),
        owner=draw.integers(0, 2, 9),
    )


@pytest.mark.parametrize("ansatz", ["ring", "strongly_entangling"])
def test_teleported_inputs_have_the_values_of_the_circuit_in_layers(ansatz: Any) -> None:
    circuit = Circuit(3, 2, 2, ansatz=ansatz)
    own, inputs, output = encoded_once(circuit), problem(circuit), np.arange(9) % 2
    assert (own.prepared, own.reuploaded) == (6, False)
    found, wanted = (
        engine.shifted_values(of, inputs, output)
        for engine, of in ((gate_engine, own), (pauli_engine, circuit))  # type: ignore[arg-type]
    )
    for ours, theirs in zip(found, wanted, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-12)
    np.testing.assert_allclose(
        gate_engine.expectations(own, inputs), pauli_engine.expectations(circuit, inputs), rtol=0, atol=1e-12
    )


@pytest.mark.slow
def test_weight_profiles_are_those_of_the_circuit_in_layers() -> None:
    circuit = Circuit(3, 2, 2)
    inputs = problem(circuit)
    angles = [inputs.angles[:5], inputs.angles[5:]]
    found, wanted = (
        weight_profiles(of, inputs.parameters, inputs.noise, angles) for of in (encoded_once(circuit), circuit)
    )
    np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-12)


def test_the_contrast_of_an_entangled_input_is_the_slope_of_its_noisy_outputs() -> None:
    """With an observable of two strings, and many inputs: coefficients of inputs need not be uncorrelated, so about."""
    gates = (
        Rotation("Y", (0,), X0), HADAMARD, Rotation("ZX", (0, 1), (Term(1.3, (1,)),)), Entangler("cx", (1, 2)),
        Rotation("Y", (0,), THETA0), Rotation("XY", (1, 2), (Term(0.7, weight=1),)), Entangler("cz", (0, 2)),
    )  # fmt: skip
    own = prepared_at_hub(GateCircuit(3, 2, 2, gates, (((0.6, "IIZ"), (0.5, "ZXI")),)))
    assert own.prepared == 3
    draw = np.random.default_rng(0)
    x, theta, powers = draw.uniform(-np.pi, np.pi, (4000, 2)), draw.uniform(-3, 3, (1, 2)), np.arange(4)
    owner = np.zeros(len(x), np.int64)
    ideal, noisy = (
        gate_engine.expectations(own, LaneInputs(x, theta, noiseless(1, 3), w ** powers[None], owner))
        for w in (1.0, 0.8)
    )
    (profile,) = weight_profiles(own, theta, noiseless(1, 3), [x])
    slope = float(np.sum(ideal * noisy) / np.sum(ideal**2))
    assert contrast(profile, 0.8**powers) == pytest.approx(slope, abs=0.03)


def test_answers_to_traps_have_the_contrasts_of_the_circuit_in_layers() -> None:
    circuit = Circuit(3, 2, 2)
    inputs, own = problem(circuit, readout=True), encoded_once(circuit)
    shifts = np.zeros((2, circuit.parameter_count))
    shifts[1, 3] = -np.pi / 2
    seen = np.array([visibility(noise, 2) for noise in inputs.noise])
    wanted = answer_contrasts(
        circuit, inputs.parameters + shifts, noise=inputs.noise, attenuation=inputs.attenuation, visibility=seen
    )
    found = own_answer_contrasts(own, inputs.parameters, shifts, noise=inputs.noise, attenuation=inputs.attenuation)
    np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-12)


def test_without_noise_every_answer_is_right_whatever_is_observed() -> None:
    circuit = Circuit(3, 2, 2)
    own = replace(encoded_once(circuit), observables=random_observables(3, 2, 1))
    inputs = problem(circuit)
    found = own_answer_contrasts(
        own, inputs.parameters, np.zeros((2, 12)), noise=noiseless(2, 3), attenuation=np.ones((2, 4))
    )
    np.testing.assert_allclose(found, 1, rtol=0, atol=1e-12)


def test_gates_of_inputs_come_first_wherever_they_stand_as_long_as_no_weight_is_in_their_way() -> None:
    late = Rotation("Y", (1,), (Term(1.0, (1,)),))
    gates = (Rotation("Y", (0,), X0), Rotation("X", (0,), THETA0), HADAMARD, late, Entangler("cx", (0, 1)))
    found = prepared_at_hub(GateCircuit(2, 2, 1, gates, ()))
    assert found.prepared == 3
    assert found.gates == (gates[0], HADAMARD, late, gates[1], gates[4])


@pytest.mark.parametrize(
    ("gates", "line"),
    [
        (
            (Rotation("X", (0,), THETA0), Entangler("cx", (0, 1)), Rotation("Y", (1,), X0)),
            "the rotation about X by theta_0 on qubit 0 comes before the rotation about Y by x_0 on qubit 1",
        ),
        ((Rotation("ZZ", (0, 1), (Term(1.0, (0,), 0),)),), "about ZZ by x_0, theta_0 on qubits 0, 1 has both"),
    ],
)
def test_a_weight_before_an_input_is_refused_by_its_gate(gates: Any, line: str) -> None:
    with pytest.raises(ValueError, match="for inputs=teleported, got") as refused:
        prepared_at_hub(GateCircuit(2, 1, 1, gates, ()))
    assert line in str(refused.value)
