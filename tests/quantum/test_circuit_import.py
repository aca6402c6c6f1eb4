"""Circuits of the user's own from Qiskit and OpenQASM 3: what is compiled, and what is refused with its name."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from ceas_ray.kernel.input_file import InputFile
from ceas_ray.quantum import gate_state_vectors
from ceas_ray.quantum.circuit_import import compiled, read_circuit
from ceas_ray.quantum.gate_circuit import CONSTANT, GateCircuit, Term
from ceas_ray.quantum.gate_openqasm import gates_to_openqasm3
from ceas_ray.quantum.qiskit_import import parsed_openqasm
from tests.quantum.gate_circuits import ideal_values, random_circuit, random_observables


def program(body: str, qubits: int = 2) -> InputFile:
    lines = ["OPENQASM 3.0;", 'include "stdgates.inc";', f"qubit[{qubits}] q;", body]
    return InputFile("/somewhere/mine.qasm", "\n".join(lines).encode())


def vectors(inputs: int = 1, weights: int = 1) -> tuple[Any, Any]:
    from qiskit.circuit import ParameterVector

    return ParameterVector("x", inputs), ParameterVector("theta", weights)


def test_a_program_names_inputs_x_and_weights_theta() -> None:
    body = """
        input float x_0; input float x_1; input float[64] theta_0; input angle theta1;
        ry(x_0) q[0]; rx(2 * theta_0 + pi / 2) q[1]; crz(theta_0 * x_1) q[0], q[1]; rz(theta1) q[0];
    """
    found = read_circuit(program(body), 8)
    assert (found.qubits, found.inputs, found.parameter_count) == (2, 2, 2)
    assert [rotation.pauli for rotation in found.rotations] == ["Y", "X", "Z", "ZZ", "Z"]
    assert set(found.rotations[1].terms) == {Term(np.pi / 2), Term(2.0, weight=0)}
    assert found.rotations[2].terms == (Term(0.5, (1,), 0),)
    assert found.trained == (1, 2, 3, 4)


@pytest.mark.parametrize(
    ("body", "line"),
    [
        ("input float w; input float theta_0; ry(w) q[0]; rx(theta_0) q[0];", "inputs must be called x_0.* got w"),
        ("input float x_1; input float theta_0; ry(x_1) q[0]; rx(theta_0) q[0];", "x_1 is used without x_0"),
        ("input float x_0; ry(x_0) q[0];", "1 to 2,000 weights, got 0"),
        ("input float theta_0; ry(theta_0) q[0];", "1 to 2,000 inputs, got 0"),
        (
            "input float x_0; input float theta_0; bit b; ry(x_0) q[0]; b = measure q[0]; rx(theta_0) q[0];",
            r"measurements must come last, got rx after one of q\[0\]",
        ),
        (
            "input float x_0; input float theta_0; ry(x_0) q[0]; reset q[0]; rx(theta_0) q[0];",
            r"before its first gate alone, got reset of q\[0\]",
        ),
        (
            "input float x_0; input float theta_0; bit b; if (b) { x q[0]; } rx(theta_0 * x_0) q[0];",
            "gates must be unitary, got if_else",
        ),
        (
            "input float x_0; input float theta_0; rx(theta_0 * theta_0 * x_0) q[0];",
            r"linear in weights, got rx.*q\[0\]",
        ),
        ("input float x_0; input float theta_0; rx(theta_0 / x_0) q[1];", r"got rx\(theta_0/x_0\) on q\[1\]"),
        ("input float x_0; input float theta_0; rx(theta_0) q[2];", "this cannot be read as OpenQASM 3"),
    ],
)
def test_what_cannot_be_trained_is_one_line_that_names_it(body: str, line: str) -> None:
    with pytest.raises(ValueError, match=line) as refused:
        read_circuit(program(body), 8)
    assert "\n" not in str(refused.value)


def test_too_many_qubits_and_parameters_of_nobody_are_refused_by_name() -> None:
    from qiskit import QuantumCircuit
    from qiskit.circuit import Parameter

    x, theta = vectors()
    circuit = QuantumCircuit(2)
    circuit.ry(x[0], 0)
    circuit.rx(theta[0], 0)
    circuit.rz(Parameter("phi"), 1)
    with pytest.raises(ValueError, match="all parameters must be inputs or weights, got phi"):
        compiled(circuit, x, theta, max_qubits=8)
    with pytest.raises(ValueError, match="1 to 1 qubits, got 2"):
        compiled(circuit, x, theta, max_qubits=1)
    with pytest.raises(ValueError, match=r"one input or one weight, got x\[0\] twice"):
        compiled(circuit, x, [*x, *theta], max_qubits=8)


def test_inputs_and_weights_that_enter_no_gate_are_refused() -> None:
    from qiskit import QuantumCircuit

    x, theta = vectors()
    circuit = QuantumCircuit(1)
    circuit.ry(theta[0], 0)
    with pytest.raises(ValueError, match="inputs must enter a gate"):
        compiled(circuit, x, theta, max_qubits=8)
    circuit = QuantumCircuit(1)
    circuit.ry(x[0], 0)
    with pytest.raises(ValueError, match="weights must enter a gate"):
        compiled(circuit, x, theta, max_qubits=8)


def test_measurements_at_the_end_barriers_and_loops_change_nothing() -> None:
    body = """
        input float x_0; input float theta_0; bit[2] b;
        ry(x_0) q[0]; barrier q; for int i in [0:2] { rx(theta_0) q[1]; } b = measure q;
    """
    found = read_circuit(program(body), 8)
    assert [rotation.pauli for rotation in found.rotations] == ["Y", "X", "X", "X"]
    assert all(rotation.terms == (Term(1.0, weight=0),) for rotation in found.rotations[1:])


def test_a_permutation_of_qubits_is_that_of_qiskit() -> None:
    """Qiskit gives it no definition."""
    from qiskit import QuantumCircuit
    from qiskit.circuit.library import PermutationGate

    x, theta = vectors(3)
    made = QuantumCircuit(3)
    for qubit in range(3):
        made.ry(x[qubit], qubit)
    made.append(PermutationGate([2, 0, 1]), range(3))
    made.rx(theta[0], 1)
    found = replace(compiled(made, x, theta, max_qubits=4), observables=random_observables(3, 2, 1))
    sample, weights = np.array([0.2, 0.5, 0.9]), np.array([0.1])
    wanted = ideal_values(made, x, theta, values=(sample, weights), observables=found.observables)
    ours = gate_state_vectors.expectations(found, sample[None], weights[None], np.zeros(1, np.int64))
    np.testing.assert_allclose(ours[0], wanted, rtol=0, atol=1e-12)


def test_a_feature_map_with_products_of_inputs_is_compiled() -> None:
    from qiskit.circuit.library import real_amplitudes, zz_feature_map

    features, ansatz = zz_feature_map(3), real_amplitudes(3, reps=1)
    circuit = features.compose(ansatz)
    found = compiled(circuit, list(features.parameters), list(ansatz.parameters), max_qubits=8)
    found = replace(found, observables=random_observables(3, 2, 0))
    draw = np.random.default_rng(0)
    x, theta = draw.uniform(-1, 1, 3), draw.uniform(-3, 3, found.parameter_count)
    wanted = ideal_values(
        circuit, features.parameters, ansatz.parameters, values=(x, theta), observables=found.observables
    )
    ours = gate_state_vectors.expectations(found, x[None], theta[None], np.zeros(1, np.int64))
    np.testing.assert_allclose(ours[0], wanted, rtol=0, atol=1e-12)
    assert any(len(term.inputs) == 2 for rotation in found.rotations for term in rotation.terms)
    assert all(term.weight == CONSTANT or not term.inputs for rotation in found.rotations for term in rotation.terms)


@pytest.mark.parametrize("seed", range(6))
def test_a_trained_circuit_as_openqasm_3_is_the_same_circuit(seed: int) -> None:
    circuit, x, theta = random_circuit(3, 14, seed)
    found = replace(compiled(circuit, x, theta, max_qubits=8), observables=random_observables(3, 2, seed))
    draw = np.random.default_rng(seed)
    sample, parameters = draw.uniform(-2, 2, 2), draw.uniform(-3, 3, 3)
    text = gates_to_openqasm3(found, parameters)
    read = parsed_openqasm(InputFile("/model.qasm", text.encode()))
    inputs = sorted(read.parameters, key=lambda parameter: parameter.name)
    values = [sample[int(parameter.name[2:])] for parameter in inputs]
    there = ideal_values(read, inputs, [], values=(values, []), observables=found.observables)
    here = gate_state_vectors.expectations(found, sample[None], parameters[None], np.zeros(1, np.int64))[0]
    np.testing.assert_allclose(here, there, rtol=0, atol=1e-12)


def test_a_model_of_the_wrong_size_is_not_written() -> None:
    found = GateCircuit(1, 1, 2, (), ())
    with pytest.raises(ValueError, match=r"parameters must have shape \(2,\)"):
        gates_to_openqasm3(found, np.zeros(3))


def test_a_circuit_may_begin_with_a_state_that_is_given() -> None:
    from qiskit import QuantumCircuit

    x, theta = vectors(2, 2)
    made = QuantumCircuit(2)
    made.initialize([0.5, 0.5j, -0.5, 0.5], [0, 1])
    for qubit in range(2):
        made.ry(x[qubit], qubit)
        made.rx(theta[qubit], qubit)
    made.cx(0, 1)
    found = compiled(made, list(x), list(theta), max_qubits=8)
    sample, weights = np.array([0.3, -0.7]), np.array([1.1, 0.4])
    wanted = ideal_values(made, x, theta, values=(sample, weights), observables=found.observables)
    ours = gate_state_vectors.expectations(found, sample[None], weights[None], np.zeros(1, np.int64))[0]
    np.testing.assert_allclose(ours, wanted, atol=1e-12)
