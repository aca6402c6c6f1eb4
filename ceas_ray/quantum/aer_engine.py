"""The reference engine: the same numbers from Qiskit Aer's density matrices.

One `run` per processor with `parameter_binds` of every shifted value; nothing is transpiled per shift. The only module
that uses Qiskit, imported when it is called.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ceas_ray.quantum.circuit import Circuit
from ceas_ray.quantum.pauli_engine import ShiftedValues

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


def shifted_values(
    circuit: Circuit,
    angles: Floats,
    parameters: Floats,
    noise: Floats,
    shrink: Floats,
    owner: Integers,
    output: Integers,
) -> ShiftedValues:
    """As `pauli_engine.shifted_values`, from the values at theta and at theta_i +- pi/2."""
    count = circuit.parameter_count
    shifts = np.concatenate([np.zeros((1, count)), np.pi / 2 * np.eye(count), -np.pi / 2 * np.eye(count)])
    values = np.empty((len(owner), 1 + 2 * count))
    for processor in np.unique(owner):
        lanes = np.flatnonzero(owner == processor)
        samples, place = np.unique(angles[lanes], axis=0, return_inverse=True)
        table = _run(circuit, samples, parameters[processor] + shifts, noise[processor], shrink[processor])
        values[lanes] = table[place.ravel(), :, output[lanes]]
    plus, minus = values[:, 1 : 1 + count], values[:, 1 + count :]
    return ShiftedValues(values[:, 0], (plus - minus) / 2, (plus + minus) / 2 - values[:, :1])


def expectations(
    circuit: Circuit, angles: Floats, parameters: Floats, noise: Floats, shrink: Floats, owner: Integers
) -> Floats:
    """As `pauli_engine.expectations`."""
    values = np.empty((len(owner), circuit.outputs))
    for processor in np.unique(owner):
        lanes = np.flatnonzero(owner == processor)
        table = _run(circuit, angles[lanes], parameters[processor][None], noise[processor], shrink[processor])
        values[lanes] = table[:, 0, :]
    return values


def _run(circuit: Circuit, samples: Floats, settings: Floats, noise: Floats, shrink: Floats) -> Floats:
    """<Z_k> of every sample (S, n) at every setting of the parameters (T, P), shape (S, T, outputs)."""
    from qiskit_aer import AerSimulator

    simulator = AerSimulator(
        method="density_matrix",
        noise_model=_noise_model(circuit, noise),
        max_parallel_threads=1,
        max_parallel_experiments=1,
        fusion_enable=False,
    )
    circuits, binds = [], []
    for sample in samples:
        quantum_circuit, theta = _quantum_circuit(circuit, sample, shrink)
        circuits.append(quantum_circuit)
        binds.append({parameter: settings[:, i].tolist() for i, parameter in enumerate(theta)})
    result = simulator.run(circuits, parameter_binds=binds, shots=1).result()
    if not result.success:
        raise RuntimeError(f"Aer failed: {result.status}")
    values = [[data.data[f"z{k}"] for k in range(circuit.outputs)] for data in map(_data_of, result.results)]
    return np.real(np.array(values)).reshape(len(samples), len(settings), circuit.outputs)


def _data_of(experiment: Any) -> Any:
    experiment.data.data = experiment.data.to_dict()
    return experiment.data


def _quantum_circuit(circuit: Circuit, sample: Floats, shrink: Floats) -> tuple[Any, list[Any]]:
    """The circuit of one sample, and its parameters in the order of ours."""
    from qiskit import QuantumCircuit
    from qiskit.circuit import ParameterVector
    from qiskit.quantum_info import Pauli

    n = circuit.qubits
    theta = ParameterVector("theta", circuit.parameter_count)
    made = QuantumCircuit(n)
    if not circuit.reuploaded:
        made.set_density_matrix(input_state(sample, shrink))
    place = 0
    for _ in range(circuit.layers):
        for q in range(n):
            if circuit.reuploaded:
                made.ry(float(sample[q]), q)
                made.rz(float(sample[q]), q)
            made.ry(theta[place], q)
            made.rz(theta[place + 1], q)
            place += 2
        for control, target in circuit.ring:
            (made.cx if circuit.entangler == "cx" else made.cz)(control, target)
    for k in range(circuit.outputs):
        made.save_expectation_value(Pauli("Z"), [k], label=f"z{k}")
    return made, list(theta)


def input_state(sample: Floats, shrink: Floats) -> NDArray[np.complex128]:
    """The teleported input as a density matrix (2^n, 2^n): the encoded product state, weight s shrunk by shrink[s]."""
    paulis = [np.eye(2), np.array([[0, 1], [1, 0]]), np.array([[0, -1j], [1j, 0]]), np.diag([1, -1])]
    terms = [(0, np.ones((1, 1), complex))]
    for x in sample:
        bloch = [1.0, np.sin(x) * np.cos(x), np.sin(x) ** 2, np.cos(x)]
        terms = [
            (weight + (1 if p else 0), np.kron(paulis[p] * bloch[p] / 2, matrix))
            for weight, matrix in terms
            for p in range(4)
        ]
    total = np.zeros_like(terms[0][1])
    for weight, matrix in terms:
        total = total + shrink[weight] * matrix
    return total


def _noise_model(circuit: Circuit, noise: Floats) -> Any:
    from qiskit_aer.noise import NoiseModel, amplitude_damping_error, depolarizing_error

    p1, g1, p2, g2 = (float(value) for value in noise[:4])
    model = NoiseModel()
    one = depolarizing_error(p1, 1).compose(amplitude_damping_error(g1))
    model.add_all_qubit_quantum_error(one, ["ry", "rz"])
    damping = amplitude_damping_error(g2)
    pair = depolarizing_error(p2, 2).compose(damping.tensor(damping))
    model.add_all_qubit_quantum_error(pair, [circuit.entangler])
    return model
