"""Circuits for tests of distribution."""

from __future__ import annotations

from typing import Any

import numpy as np

from ceas_ray.quantum.gate_list import ControlledPhase, Gate, LocalGate

HADAMARD: Any = np.array([[1, 1], [1, -1]], dtype=complex) / np.sqrt(2)
X: Any = np.array([[0, 1], [1, 0]], dtype=complex)


def fourier_transform(qubits: int) -> list[Gate]:
    """The quantum Fourier transform without its final swaps."""
    gates: list[Gate] = []
    for i in range(qubits):
        gates.append(LocalGate(i, HADAMARD))
        gates += [ControlledPhase(j, i, np.pi / 2 ** (j - i)) for j in range(i + 1, qubits)]
    return gates


def rotation(axis: str, angle: float) -> Any:
    c, s = np.cos(angle / 2), np.sin(angle / 2)
    return {
        "x": np.array([[c, -1j * s], [-1j * s, c]]),
        "y": np.array([[c, -s], [s, c]], dtype=complex),
        "z": np.array([[c - 1j * s, 0], [0, c + 1j * s]]),
    }[axis]


def ring(qubits: int, layers: int, controlled_not: bool) -> list[Gate]:
    """Layers of RY RZ and a ring of CX or CZ."""
    gates: list[Gate] = []
    for layer in range(layers):
        for q in range(qubits):
            gates += [LocalGate(q, rotation("y", 0.1 * (q + layer + 1))), LocalGate(q, rotation("z", 0.07 * (q + 1)))]
        for q in range(qubits):
            target = (q + 1) % qubits
            around: list[Gate] = [LocalGate(target, HADAMARD)] if controlled_not else []
            gates += [*around, ControlledPhase(q, target, np.pi), *around]
    return gates


def random_circuit(seed: int, qubits: int, count: int) -> list[Gate]:
    """Local gates of all kinds and controlled phases, one in three of these full."""
    draw = np.random.default_rng(seed)
    gates: list[Gate] = []
    for _ in range(count):
        kind, qubit = int(draw.integers(6)), int(draw.integers(qubits))
        if kind < 3:
            other = int((qubit + draw.integers(1, qubits)) % qubits)
            gates.append(ControlledPhase(qubit, other, np.pi if kind == 0 else float(draw.uniform(0, 6))))
        else:
            matrix = (HADAMARD, X, rotation("xyz"[int(draw.integers(3))], float(draw.uniform(0, 6))))[kind - 3]
            gates.append(LocalGate(qubit, matrix))
    return gates


def flipping_circuit(seed: int, qubits: int, count: int) -> list[Gate]:
    """CX, controlled phases and now and then a mixing gate, so that copies can be kept over what flips their qubit."""
    draw = np.random.default_rng(seed)
    gates: list[Gate] = [LocalGate(q, rotation("y", float(draw.uniform(0, 3)))) for q in range(qubits)]
    for _ in range(count):
        first, second = (int(q) for q in draw.permutation(qubits)[:2])
        around: list[Gate] = [LocalGate(second, HADAMARD)] if draw.random() < 0.6 else []
        gates += [*around, ControlledPhase(first, second, np.pi if around else float(draw.uniform(0, 6))), *around]
        if draw.random() < 0.2:
            gates.append(LocalGate(first, rotation("xyz"[int(draw.integers(3))], float(draw.uniform(0, 6)))))
    return gates


def unitary(qubits: int, gates: list[Gate]) -> Any:
    """The matrix of a circuit; qubit q is bit q of an index."""
    index = np.arange(2**qubits)
    total = np.eye(2**qubits, dtype=complex)
    for gate in gates:
        if isinstance(gate, ControlledPhase):
            both = (index >> gate.first & 1) & (index >> gate.second & 1)
            total = np.exp(1j * gate.angle * both)[:, None] * total
        else:
            step = np.zeros((2**qubits, 2**qubits), dtype=complex)
            for column in index:
                value = column >> gate.qubit & 1
                for new in (0, 1):
                    step[column ^ ((value ^ new) << gate.qubit), column] += gate.matrix[new, value]
            total = step @ total
    return total


def state_of(qubits: int, gates: list[Gate]) -> Any:
    """The state that a circuit makes of |0..0>; qubit q is bit q of an index."""
    index = np.arange(2**qubits)
    state = (index == 0).astype(complex)
    for gate in gates:
        if isinstance(gate, ControlledPhase):
            state = state * np.exp(1j * gate.angle * ((index >> gate.first & 1) & (index >> gate.second & 1)))
        else:
            value = index >> gate.qubit & 1
            flipped = state[index ^ (1 << gate.qubit)]
            state = gate.matrix[value, value] * state + gate.matrix[value, 1 - value] * flipped
    return state
