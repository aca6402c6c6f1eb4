"""A tree tensor network on four qubits (Grant et al., npj Quantum Information 4, 2018)."""

from qiskit import QuantumCircuit
from qiskit.circuit import ParameterVector


def tree():
    """Each pair of qubits is folded into its first one."""
    x, theta = ParameterVector("x", 4), ParameterVector("theta", 7)
    circuit = QuantumCircuit(4)
    for qubit in range(4):
        circuit.ry(x[qubit], qubit)
    for node, (first, second) in enumerate(((0, 1), (2, 3), (0, 2))):
        circuit.ry(theta[2 * node], first)
        circuit.ry(theta[2 * node + 1], second)
        circuit.cx(second, first)
    circuit.ry(theta[6], 0)
    return circuit, x, theta
