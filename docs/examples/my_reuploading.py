"""Two qubits that take four inputs three times, each times a weight (Perez-Salinas et al., Quantum 4, 2020)."""

from qiskit import QuantumCircuit
from qiskit.circuit import ParameterVector


def reuploading():
    """Inputs come after weights here: for `training.inputs=local`."""
    x, scale, shift = (ParameterVector(name, 4 * count) for name, count in (("x", 1), ("scale", 3), ("shift", 3)))
    circuit = QuantumCircuit(2)
    for layer in range(3):
        for qubit in range(2):
            for axis, gate in enumerate((circuit.ry, circuit.rz)):
                feature = 2 * qubit + axis
                gate(scale[4 * layer + feature] * x[feature] + shift[4 * layer + feature], qubit)
        circuit.cz(0, 1)
    return circuit, x, [*scale, *shift]
