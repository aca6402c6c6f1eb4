"""The shape of the variational circuit that every processor runs."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Circuit:
    """A product encoding, then layers of RY(theta_0) RZ(theta_1) on every qubit and a ring of CX or CZ.

    The encoding is RY(x) RZ(x) on each qubit: once (teleported inputs, prepared ideally at the hub), or, when
    `reuploaded`, at the start of every layer on the processor itself. Outputs are <Z_k>, k = 0 .. outputs - 1.
    Parameters are flat in the order (layer, qubit, RY then RZ). Qubit q is bit q of an index (little endian).
    """

    qubits: int
    layers: int
    outputs: int
    entangler: Literal["cx", "cz"] = "cx"
    reuploaded: bool = False

    def __post_init__(self) -> None:
        """Raises ValueError unless every output has its qubit."""
        if not 1 <= self.outputs <= self.qubits:
            raise ValueError(f"a circuit needs 1 to {self.qubits} outputs (one per qubit), got {self.outputs}")

    @property
    def parameter_count(self) -> int:
        """P: two angles per layer and qubit."""
        return 2 * self.layers * self.qubits

    @property
    def ring(self) -> tuple[tuple[int, int], ...]:
        """Control and target of each entangling gate of a layer, in order."""
        if self.qubits == 1:
            return ()
        return tuple((q, (q + 1) % self.qubits) for q in range(self.qubits))


@cache
def entangler_table(entangler: Literal["cx", "cz"]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """How a gate permutes two-qubit Paulis: 4 a + b goes to image[4 a + b] with a sign; a is the control's Pauli."""
    paulis = [np.eye(2), np.array([[0, 1], [1, 0]]), np.array([[0, -1j], [1j, 0]]), np.diag([1, -1])]
    flip = paulis[1] if entangler == "cx" else paulis[3]
    gate = np.kron(np.diag([1, 0]), np.eye(2)) + np.kron(np.diag([0, 1]), flip)
    image, sign = np.zeros(16, np.int64), np.zeros(16)
    for k in range(16):
        moved = gate @ np.kron(paulis[k // 4], paulis[k % 4]) @ gate
        overlaps = [np.trace(moved @ np.kron(paulis[m // 4], paulis[m % 4])).real / 4 for m in range(16)]
        image[k] = int(np.argmax(np.abs(overlaps)))
        sign[k] = round(overlaps[image[k]])
    return image, sign
