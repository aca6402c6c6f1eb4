"""Programs of trained circuits: what they mean, and how they are written."""

from __future__ import annotations

import numpy as np
import pytest

from ceas_ray.quantum.circuit import Circuit
from ceas_ray.quantum.openqasm import to_openqasm3
from ceas_ray.quantum.qiskit_export import export
from tests.quantum.state_vectors import expectations
from tests.quantum.test_qiskit_export import CIRCUITS, drawn


class Program:
    """Runs the OpenQASM 3 that programs of models consist of, on state vectors, sharing no code with their writer."""

    def __init__(self, text: str, inputs: dict[str, float]) -> None:
        self.qubits = int(text.split("qubit[")[1].split("]")[0])
        self.state = np.zeros(2**self.qubits, dtype=complex)
        self.state[0] = 1
        self.measured: list[int] = []
        for line in text.splitlines():
            self._run(line.strip().rstrip(";"), inputs)

    def _run(self, line: str, inputs: dict[str, float]) -> None:
        index = np.arange(len(self.state))
        if line.startswith(("ry(", "rz(")):
            word, _, place = line.rpartition(" ")
            text = word[3:-1]
            half = (inputs[text] if text in inputs else eval(text, {"__builtins__": {}}, {"pi": np.pi})) / 2
            bit = index >> int(place[2:-1]) & 1
            if line.startswith("rz"):
                self.state = self.state * np.exp(1j * half * (2 * bit - 1))
            else:
                flipped = self.state[index ^ (1 << int(place[2:-1]))]
                self.state = np.cos(half) * self.state + np.sin(half) * (2 * bit - 1) * flipped
        elif line.startswith(("cx ", "cz ")):
            control, target = (int(word[2:-1]) for word in line[3:].split(", "))
            if line.startswith("cx"):
                self.state = self.state[np.where(index >> control & 1, index ^ (1 << target), index)]
            else:
                self.state = self.state * np.where(index >> control & index >> target & 1, -1, 1)
        elif "measure" in line:
            self.measured.append(int(line.split("q[")[1].rstrip("]")))
        else:
            assert line.startswith(("OPENQASM 3", "include", "input float[64] ", "qubit[", "bit[")) or not line, line

    def values(self) -> list[float]:
        index = np.arange(len(self.state))
        return [float(np.sum(np.abs(self.state) ** 2 * (1 - 2 * (index >> q & 1)))) for q in self.measured]


@pytest.mark.parametrize("circuit", CIRCUITS, ids=repr)
def test_a_program_means_the_same_circuit(circuit: Circuit) -> None:
    angles, parameters = drawn(circuit)
    (expected,) = expectations(circuit, angles[:1], parameters)
    bound = Program(to_openqasm3(circuit, parameters, angles[0]), {})
    np.testing.assert_allclose(bound.values(), expected, atol=1e-12)
    free = Program(to_openqasm3(circuit, parameters), {f"angle_{q}": angles[0, q] for q in range(circuit.qubits)})
    np.testing.assert_allclose(free.values(), expected, atol=1e-12)


@pytest.mark.parametrize("circuit", CIRCUITS, ids=repr)
def test_a_program_has_the_instructions_that_qiskit_writes_for_the_same_circuit(circuit: Circuit) -> None:
    from qiskit import qasm3

    angles, parameters = drawn(circuit)
    theirs = str(qasm3.dumps(export(circuit, parameters, angles[0]))).replace("output_0", "output_bits")
    assert to_openqasm3(circuit, parameters, angles[0]).splitlines() == theirs.splitlines()


def test_wrong_shapes_are_refused() -> None:
    circuit = Circuit(3, 1, 1)
    with pytest.raises(ValueError, match=r"parameters must have shape \(6,\), got \(5,\)"):
        to_openqasm3(circuit, np.zeros(5))
    with pytest.raises(ValueError, match=r"a sample must have shape \(3,\), got \(2,\)"):
        to_openqasm3(circuit, np.zeros(6), np.zeros(2))
