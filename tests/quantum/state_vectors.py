"""Circuits without noise by brute force: whole matrices, gate by gate, sharing no code with the engines."""

from __future__ import annotations

from functools import reduce

import numpy as np

from ceas_ray.quantum.circuit import RY, Circuit

IDENTITY, X = np.eye(2, dtype=complex), np.array([[0, 1], [1, 0]], dtype=complex)
Y, Z = np.array([[0, -1j], [1j, 0]]), np.diag([1, -1]).astype(complex)


def on(operators: dict[int, np.ndarray], qubits: int) -> np.ndarray:
    """One-qubit operators on these qubits; qubit 0 is the rightmost factor (little endian)."""
    return reduce(np.kron, [operators.get(q, IDENTITY) for q in reversed(range(qubits))])


def rotation(axis: int, angle: float) -> np.ndarray:
    return np.cos(angle / 2) * IDENTITY - 1j * np.sin(angle / 2) * (Y if axis == RY else Z)


def controlled(circuit: Circuit, control: int, target: int) -> np.ndarray:
    zero, one = (IDENTITY + Z) / 2, (IDENTITY - Z) / 2
    flip = X if circuit.entangler == "cx" else Z
    return on({control: zero}, circuit.qubits) + on({control: one, target: flip}, circuit.qubits)


def state(circuit: Circuit, sample: np.ndarray, parameters: np.ndarray) -> np.ndarray:
    """The final state (2^n,) of one sample (n,)."""
    n, rest = circuit.qubits, iter(parameters)
    psi = np.zeros(2**n, dtype=complex)
    psi[0] = 1
    for layer in range(circuit.layers):
        for q in range(n):
            if circuit.reuploaded or layer == 0:
                psi = on({q: rotation(1, sample[q]) @ rotation(RY, sample[q])}, n) @ psi
            for axis in circuit.rotations:
                psi = on({q: rotation(axis, next(rest))}, n) @ psi
        for control, target in circuit.gates[layer]:
            psi = controlled(circuit, control, target) @ psi
    return psi


def expectations(circuit: Circuit, angles: np.ndarray, parameters: np.ndarray) -> np.ndarray:
    """<Z_k> of samples (B, n), shape (B, outputs)."""
    states = [state(circuit, sample, parameters) for sample in angles]
    observables = [on({k: Z}, circuit.qubits) for k in range(circuit.outputs)]
    return np.array([[np.real(psi.conj() @ z @ psi) for z in observables] for psi in states])
