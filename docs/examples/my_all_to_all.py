"""A circuit in which each of four qubits is entangled with each other one."""

from itertools import combinations

from qiskit import QuantumCircuit
from qiskit.circuit import ParameterVector


def all_to_all():
    """Rotations, XX on all six pairs, rotations."""
    x, theta = ParameterVector("x", 4), ParameterVector("theta", 18)
    circuit = QuantumCircuit(4)
    for qubit in range(4):
        circuit.ry(x[qubit], qubit)
        circuit.rx(theta[qubit], qubit)
        circuit.rz(theta[4 + qubit], qubit)
    for number, (first, second) in enumerate(combinations(range(4), 2)):
        circuit.rxx(theta[8 + number], first, second)
    for qubit in range(4):
        circuit.ry(theta[14 + qubit], qubit)
    return circuit, x, theta
