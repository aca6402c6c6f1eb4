"""Exported circuits: Aer gives what the model predicts."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest

from ceas_ray.quantum.circuit import Circuit
from ceas_ray.quantum.qiskit_export import export
from ceas_ray.training.metrics import predicted_labels
from tests.quantum.state_vectors import expectations

CIRCUITS = [
    Circuit(n, layers, outputs, entangler=entangler, reuploaded=reuploaded, ansatz=ansatz)
    for (n, layers, outputs), entangler, reuploaded, ansatz in product(
        ((2, 1, 1), (4, 3, 3)), ("cx", "cz"), (False, True), ("ring", "hardware_efficient", "strongly_entangling")
    )
]


def drawn(circuit: Circuit) -> tuple[np.ndarray, np.ndarray]:
    draw = np.random.default_rng(circuit.qubits)
    return draw.uniform(-1.5, 1.5, (5, circuit.qubits)), draw.uniform(-3, 3, circuit.parameter_count)


def values_by_aer(circuit: Circuit, quantum_circuits: list[Any]) -> np.ndarray:
    """<Z_k> of the state before the measurement, by Aer's state vectors."""
    from qiskit.quantum_info import Pauli
    from qiskit_aer import AerSimulator

    saved = []
    for quantum_circuit in quantum_circuits:
        unmeasured = quantum_circuit.remove_final_measurements(inplace=False)
        for k in range(circuit.outputs):
            unmeasured.save_expectation_value(Pauli("Z"), [k], label=f"z{k}")
        saved.append(unmeasured)
    result = AerSimulator(method="statevector").run(saved).result()
    return np.array([[result.data(i)[f"z{k}"] for k in range(circuit.outputs)] for i in range(len(saved))])


@pytest.mark.parametrize("circuit", CIRCUITS, ids=repr)
def test_aer_reproduces_the_outputs_of_bound_and_of_free_inputs(circuit: Circuit) -> None:
    angles, parameters = drawn(circuit)
    expected = expectations(circuit, angles, parameters)
    bound = [export(circuit, parameters, sample) for sample in angles]
    np.testing.assert_allclose(values_by_aer(circuit, bound), expected, atol=1e-12)
    free = export(circuit, parameters)
    assert [p.name for p in free.parameters] == [f"x[{q}]" for q in range(circuit.qubits)]
    np.testing.assert_allclose(
        values_by_aer(circuit, [free.assign_parameters(sample) for sample in angles]), expected, atol=1e-12
    )


@pytest.mark.parametrize("circuit", CIRCUITS[::3], ids=repr)
def test_counts_of_the_measured_circuit_predict_the_same_classes(circuit: Circuit) -> None:
    from qiskit_aer import AerSimulator

    angles, parameters = drawn(circuit)
    measured = [export(circuit, parameters, sample) for sample in angles]
    result = AerSimulator().run(measured, shots=20_000, seed_simulator=1).result()
    values = np.zeros((len(angles), circuit.outputs))
    for i in range(len(angles)):
        for bits, count in result.get_counts(i).items():
            values[i] += [count / 20_000 * (1 if bit == "0" else -1) for bit in reversed(bits)]
    expected = expectations(circuit, angles, parameters)
    np.testing.assert_allclose(values, expected, atol=6 / np.sqrt(20_000))
    ordered = np.sort(np.c_[expected, -expected] if circuit.outputs == 1 else expected, axis=1)
    clear = ordered[:, -1] - ordered[:, -2] > 0.1
    assert clear.any()
    assert np.array_equal(predicted_labels(values)[clear], predicted_labels(expected)[clear])


def test_wrong_shapes_are_refused() -> None:
    circuit = Circuit(3, 1, 1)
    with pytest.raises(ValueError, match=r"parameters must have shape \(6,\), got \(5,\)"):
        export(circuit, np.zeros(5))
    with pytest.raises(ValueError, match=r"a sample must have shape \(3,\), got \(2,\)"):
        export(circuit, np.zeros(6), np.zeros(2))
