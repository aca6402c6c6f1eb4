"""Seconds per sample of a noiseless gradient in other packages; runs alone, in the Python of their own environment.

usage: python gradient_peers.py estimator_qnn|lightning QUBITS LAYERS SAMPLES

The circuit: in each layer RY(x) RZ(x) RY(theta) RZ(theta) on every qubit, then a ring of CX; the gradient is of <Z_0>.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np


def estimator_qnn(qubits: int, layers: int) -> Callable[[Any, Any], Any]:
    """Return the gradient of Qiskit Machine Learning, with its reverse-mode gradient."""
    from qiskit.circuit import ParameterVector, QuantumCircuit
    from qiskit.primitives import StatevectorEstimator
    from qiskit.quantum_info import SparsePauliOp
    from qiskit_algorithms.gradients import ReverseEstimatorGradient
    from qiskit_machine_learning.neural_networks import EstimatorQNN

    x, theta = ParameterVector("x", qubits), ParameterVector("t", 2 * qubits * layers)
    circuit = QuantumCircuit(qubits)
    for layer in range(layers):
        for q in range(qubits):
            circuit.ry(x[q], q)
            circuit.rz(x[q], q)
            circuit.ry(theta[2 * (layer * qubits + q)], q)
            circuit.rz(theta[2 * (layer * qubits + q) + 1], q)
        for q in range(qubits):
            circuit.cx(q, (q + 1) % qubits)
    network = EstimatorQNN(
        circuit=circuit, observables=SparsePauliOp("I" * (qubits - 1) + "Z"), input_params=list(x),
        weight_params=list(theta), estimator=StatevectorEstimator(), gradient=ReverseEstimatorGradient(),
    )  # fmt: skip
    return lambda samples, parameters: network.backward(samples, parameters)


def lightning(qubits: int, layers: int) -> Callable[[Any, Any], Any]:
    """Return the gradient of PennyLane's lightning.qubit, with its adjoint Jacobian."""
    import pennylane as qml
    from pennylane import numpy as differentiable

    @qml.qnode(qml.device("lightning.qubit", wires=qubits), diff_method="adjoint")  # type: ignore[untyped-decorator]
    def output(parameters: Any, sample: Any) -> Any:
        for layer in range(layers):
            for q in range(qubits):
                qml.RY(sample[q], q)
                qml.RZ(sample[q], q)
                qml.RY(parameters[2 * (layer * qubits + q)], q)
                qml.RZ(parameters[2 * (layer * qubits + q) + 1], q)
            for q in range(qubits):
                qml.CNOT([q, (q + 1) % qubits])
        return qml.expval(qml.Z(0))

    gradient = qml.grad(output, 0)

    def all_samples(samples: Any, parameters: Any) -> Any:
        trainable = differentiable.array(parameters, requires_grad=True)
        return [gradient(trainable, sample) for sample in samples]

    return all_samples


def main() -> None:
    """Print {"seconds_per_sample": ...} as JSON."""
    name, qubits, layers, samples = sys.argv[1], *(int(word) for word in sys.argv[2:5])
    draw = np.random.default_rng(1)
    angles, parameters = draw.uniform(-1, 1, (samples, qubits)), draw.uniform(-3, 3, 2 * qubits * layers)
    gradient = {"estimator_qnn": estimator_qnn, "lightning": lightning}[name](qubits, layers)
    gradient(angles[:1], parameters)
    started = time.perf_counter()
    gradient(angles, parameters)
    print(json.dumps({"seconds_per_sample": (time.perf_counter() - started) / samples}))


if __name__ == "__main__":
    main()
