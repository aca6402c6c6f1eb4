"""Quantum Fisher information (QFI) of the circuit's state in its parameters, in 1/rad^2.

Pure states are noiseless circuits; mixed states come as density matrices. For the shift d of the parameters the
fidelity of neighbours is 1 - d^T F d / 4 to third order (Braunstein and Caves, PRL 72, 1994; Meyer, Quantum 5, 2021).
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from ceas_ray.quantum import gate_state_vectors
from ceas_ray.quantum.circuit import RY, RZ, Circuit, Gate
from ceas_ray.quantum.circuit_values import VariationalCircuit
from ceas_ray.quantum.gate_circuit import GateCircuit

Floats = NDArray[np.float64]
Complexes = NDArray[np.complex128]

MAX_BYTES_OF_SAMPLE = 2**32
"""Of the tangents of one sample: 20 qubits by 255 weights."""
_MAX_BYTES = 2**28
"""Of the tangents of samples that are computed at once, if one takes less."""


def pure_diagonal(circuit: VariationalCircuit, angles: Floats, parameters: Floats) -> Floats:
    """Return the diagonal of F for every sample: angles (B, inputs), parameters (P,) -> (B, P).

    A rotation exp(-i theta G / 2) with a Pauli G has F_ii = 1 - <G>^2 in the state that it acts on, so one forward
    pass gives them all; weights of a circuit of the user's own, which may be shared, need the tangents (see
    `pure_full`).
    """
    if isinstance(circuit, GateCircuit):
        return np.concatenate([_diagonal(*states) for states in _some_at_once(circuit, angles, parameters)])
    diagonal = np.empty((len(angles), circuit.parameter_count))
    states = _start(circuit, angles, 1)
    for index, axis, qubit in _evolve(circuit, angles, parameters, states):
        psi = states[:, 0]
        diagonal[:, index] = 1 - np.einsum("bk,bk->b", psi.conj(), _pauli(axis, qubit, psi)).real ** 2
    return diagonal


def pure_full(circuit: VariationalCircuit, angles: Floats, parameters: Floats) -> Floats:
    """Return F of every sample: angles (B, inputs), parameters (P,) -> (B, P, P), F_ij = 4 Re(<d_i|d_j> -
    <d_i|psi><psi|d_j>).

    Samples are computed some at a time. Raises ValueError where the tangents of one take more than 4 GiB.
    """
    return np.concatenate([_full(*states) for states in _some_at_once(circuit, angles, parameters)])


def _some_at_once(
    circuit: VariationalCircuit, angles: Floats, parameters: Floats
) -> Iterator[tuple[Complexes, Complexes]]:
    """Yield the states and tangents of as many samples at a time as there is room for, at least one."""
    of_one = 16 * (1 + circuit.parameter_count) * 2**circuit.qubits
    if of_one > MAX_BYTES_OF_SAMPLE:
        raise ValueError(
            f"the Fisher information of a sample may take {MAX_BYTES_OF_SAMPLE / 2**30:.3g} GiB, the derivatives of "
            f"{circuit.qubits} qubits by {circuit.parameter_count} weights take {of_one / 2**30:.3g} GiB"
        )
    some = max(1, _MAX_BYTES // of_one)
    for first in range(0, max(1, len(angles)), some):
        yield state_and_tangents(circuit, angles[first : first + some], parameters)


def _diagonal(psi: Complexes, tangents: Complexes) -> Floats:
    overlap = np.einsum("bik,bk->bi", tangents.conj(), psi)
    return 4 * (np.sum(np.abs(tangents) ** 2, axis=2) - np.abs(overlap) ** 2)


def _full(psi: Complexes, tangents: Complexes) -> Floats:
    gram = np.matmul(tangents.conj(), tangents.transpose(0, 2, 1))
    overlap = np.einsum("bik,bk->bi", tangents.conj(), psi)
    return 4 * (gram - overlap[:, :, None] * overlap.conj()[:, None, :]).real


def state_and_tangents(circuit: VariationalCircuit, angles: Floats, parameters: Floats) -> tuple[Complexes, Complexes]:
    """Return the final states (B, 2^n) and their derivatives in every parameter (B, P, 2^n): one forward pass
    for all.
    """
    if isinstance(circuit, GateCircuit):
        return gate_state_vectors.state_and_tangents(circuit, angles, parameters)
    states = _start(circuit, angles, 1 + circuit.parameter_count)
    for index, axis, qubit in _evolve(circuit, angles, parameters, states):
        states[:, 1 + index] = -0.5j * _pauli(axis, qubit, states[:, 0])
    return states[:, 0], states[:, 1:]


def mixed(state: Complexes, derivatives: Complexes) -> Floats:
    """Return F from symmetric logarithmic derivatives: state (N, N), derivatives (P, N, N) -> (P, P). For small N.

    F_ij = sum over p_a + p_b > 0 of 2 Re(<a|d_i|b><b|d_j|a>) / (p_a + p_b), with the state's eigenvalues p.
    """
    chances, vectors = np.linalg.eigh(state)
    total = chances[:, None] + chances[None, :]
    weight = np.where(total > 1e-12, 2 / np.maximum(total, 1e-12), 0.0)
    rotated = (vectors.conj().T @ derivatives @ vectors * np.sqrt(weight)).reshape(len(derivatives), -1)
    return (rotated.conj() @ rotated.T).real


def globally_depolarized(pure: Floats, contrast: float, qubits: int) -> Floats:
    """Return F of lambda |psi><psi| + (1 - lambda) I / d, lambda the contrast and d = 2^qubits, from the pure state's
    F.

    lambda^2 / (lambda + 2 (1 - lambda) / d) times as much: the state's eigenvalues are lambda + (1 - lambda) / d once
    and (1 - lambda) / d else, and a pure state's derivative connects the two kinds alone.
    """
    return pure * (contrast**2 / (contrast + 2 * (1 - contrast) / 2**qubits))


def _start(circuit: Circuit, angles: Floats, rows: int) -> Complexes:
    """Return |0...0> in row 0 of every sample, zeros below: (B, rows, 2^n)."""
    states = np.zeros((len(angles), rows, 2**circuit.qubits), dtype=np.complex128)
    states[:, 0, 0] = 1
    return states


def _evolve(circuit: Circuit, angles: Floats, parameters: Floats, states: Complexes) -> Iterator[tuple[int, int, int]]:
    """Run the circuit on all rows, in place; pause after every trained rotation with (parameter, axis, qubit)."""
    index = 0
    for layer in range(circuit.layers):
        for qubit in range(circuit.qubits):
            if circuit.reuploaded or layer == 0:
                for axis in (RY, RZ):
                    _rotate(axis, qubit, angles[:, qubit], states[:, : 1 + index])
            for axis in circuit.rotations:
                _rotate(axis, qubit, parameters[index : index + 1], states[:, : 1 + index])
                yield index, axis, qubit
                index += 1
        for gate in circuit.gates[layer]:
            _entangle(circuit, gate, states)


def _rotate(axis: int, qubit: int, angle: Floats, states: Complexes) -> None:
    """Apply exp(-i angle G / 2) to (B, rows, 2^n), in place; one angle for all samples or one each."""
    half = angle[:, None, None, None] / 2
    halves = states.reshape(*states.shape[:2], -1, 2, 2**qubit)
    assert np.shares_memory(halves, states), "rows must be contiguous"
    zero, one = halves[..., 0, :], halves[..., 1, :]
    if axis == RZ:
        zero *= np.exp(-1j * half)
        one *= np.exp(1j * half)
    else:
        before = zero.copy()
        zero *= np.cos(half)
        zero -= np.sin(half) * one
        one *= np.cos(half)
        one += np.sin(half) * before


def _pauli(axis: int, qubit: int, psi: Complexes) -> Complexes:
    """Return Y (axis RY) or Z (axis RZ) of a qubit applied to psi (B, 2^n)."""
    index = np.arange(psi.shape[-1])
    sign = np.where(index >> qubit & 1, -1.0, 1.0)
    return -1j * sign * psi[:, index ^ (1 << qubit)] if axis == RY else sign * psi


def _entangle(circuit: Circuit, gate: Gate, states: Complexes) -> None:
    control, target = gate
    index = np.arange(states.shape[-1])
    if circuit.entangler == "cx":
        states[:] = states[..., np.where(index >> control & 1, index ^ (1 << target), index)]
    else:
        states *= np.where((index >> control) & (index >> target) & 1, -1.0, 1.0)
