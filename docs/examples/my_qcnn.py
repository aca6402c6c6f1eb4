"""A convolutional circuit on four qubits (Cong, Choi and Lukin, Nature Physics 15, 2019)."""

from itertools import pairwise

from qiskit import QuantumCircuit
from qiskit.circuit import ParameterVector


def qcnn():
    """In each layer all pairs have the same gates; then one qubit of two is left alone, and turns the other."""
    x, theta = ParameterVector("x", 4), ParameterVector("theta", 12)
    circuit = QuantumCircuit(4)
    for qubit in range(4):
        circuit.ry(x[qubit], qubit)
    for layer, active in enumerate(((0, 1, 2, 3), (0, 2))):
        a, b, c, d, e, f = theta[6 * layer : 6 * layer + 6]
        for first, second in pairwise(active):
            circuit.ry(a, first)
            circuit.ry(b, second)
            circuit.rzz(c, first, second)
            circuit.ryy(d, first, second)
        for kept, left in zip(active[::2], active[1::2], strict=True):
            circuit.crz(e, left, kept)
            circuit.crx(f, left, kept)
    return circuit, x, theta
