"""Bell pairs by brute force: density matrices, Kraus operators and circuits, sharing no code with the closed forms."""

from __future__ import annotations

from collections.abc import Iterable
from functools import reduce

import numpy as np

PAULI_I = np.eye(2, dtype=complex)
PAULI_X = np.array([[0, 1], [1, 0]], dtype=complex)
PAULI_Y = np.array([[0, -1j], [1j, 0]])
PAULI_Z = np.array([[1, 0], [0, -1]], dtype=complex)
HADAMARD = (PAULI_X + PAULI_Z) / np.sqrt(2)

PHI_PLUS = np.array([1, 0, 0, 1]) / np.sqrt(2)
PSI_MINUS = np.array([0, 1, -1, 0]) / np.sqrt(2)
PSI_PLUS = np.array([0, 1, 1, 0]) / np.sqrt(2)
PHI_MINUS = np.array([1, 0, 0, -1]) / np.sqrt(2)
BELL = (PHI_PLUS, PSI_MINUS, PSI_PLUS, PHI_MINUS)


BELL_DIAGONAL = [
    *np.random.default_rng(7).dirichlet(np.ones(4), 6),
    np.array([1.0, 0, 0, 0]),
    np.array([0, 0, 0.5, 0.5]),
]


def pair(weights: Iterable[float]) -> np.ndarray:
    """The density matrix (4, 4) of Bell-diagonal weights."""
    return sum(p * np.outer(state, state.conj()) for p, state in zip(weights, BELL, strict=True))


def bell_weights(rho: np.ndarray) -> np.ndarray:
    """The Bell-diagonal part (the twirl) of a pair's density matrix."""
    return np.array([np.real(state.conj() @ rho @ state) for state in BELL])


def on(operator: np.ndarray, qubit: int, qubits: int) -> np.ndarray:
    """A one-qubit operator among `qubits`; qubit 0 is the leftmost factor."""
    return reduce(np.kron, [operator if k == qubit else PAULI_I for k in range(qubits)])


def cnot(control: int, target: int, qubits: int) -> np.ndarray:
    zero, one = (PAULI_I + PAULI_Z) / 2, (PAULI_I - PAULI_Z) / 2
    return on(zero, control, qubits) + on(one, control, qubits) @ on(PAULI_X, target, qubits)


def channel(rho: np.ndarray, kraus: list[np.ndarray], qubit: int) -> np.ndarray:
    qubits = int(np.log2(len(rho)))
    full = [on(k, qubit, qubits) for k in kraus]
    return sum(k @ rho @ k.conj().T for k in full)


def depolarizing(kept: float) -> list[np.ndarray]:
    """Kraus operators that multiply every Pauli but I by `kept`."""
    p = 3 * (1 - kept) / 4
    return [np.sqrt(1 - p) * PAULI_I, *(np.sqrt(p / 3) * pauli for pauli in (PAULI_X, PAULI_Y, PAULI_Z))]


def dephasing(kept: float) -> list[np.ndarray]:
    return [np.sqrt((1 + kept) / 2) * PAULI_I, np.sqrt((1 - kept) / 2) * PAULI_Z]


def relaxation(age: float, t1: float, t2: float) -> list[np.ndarray]:
    """Amplitude damping, then as much dephasing as T2 still asks for."""
    survives = np.exp(-age / t1)
    damping = [np.diag([1, np.sqrt(survives)]), np.array([[0, np.sqrt(1 - survives)], [0, 0]])]
    more = np.exp(-age / t2) / np.sqrt(survives)
    return [d @ a for d in dephasing(more) for a in damping]


def trace_out(rho: np.ndarray, kept: list[int]) -> np.ndarray:
    """The reduced state of these qubits, in their order."""
    qubits = int(np.log2(len(rho)))
    rest = [k for k in range(qubits) if k not in kept]
    tensor = rho.reshape([2] * 2 * qubits).transpose([*kept, *rest, *(q + qubits for q in [*kept, *rest])])
    a, b = 2 ** len(kept), 2 ** len(rest)
    return np.trace(tensor.reshape(a, b, a, b), axis1=1, axis2=3)


def projected(rho: np.ndarray, outcomes: dict[int, int]) -> np.ndarray:
    """Not normalised: after these qubits were measured in Z with these outcomes."""
    qubits = int(np.log2(len(rho)))
    for qubit, outcome in outcomes.items():
        p = on((PAULI_I + (1 - 2 * outcome) * PAULI_Z) / 2, qubit, qubits)
        rho = p @ rho @ p
    return rho


def close(a: object, b: object) -> bool:
    return bool(np.allclose(a, b, rtol=0, atol=1e-12))
