"""A trained circuit as a Qiskit `QuantumCircuit`, for other tools.

Without noise and pairs: the ideal circuit that was trained. Qiskit is imported when it is called.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ceas_ray.quantum.circuit import RY, Circuit
from ceas_ray.quantum.openqasm import check_shapes

Floats = NDArray[np.float64]


def export(circuit: Circuit, parameters: Floats, sample: Floats | None = None) -> Any:
    """Return the `QuantumCircuit` of trained parameters (P,), rad, with output k measured into bit k of `output`.

    sample: encoding angles (n,), rad, to bind; None leaves them as the parameters x[0] .. x[n - 1]. The value z_k of
    an output is P(bit k = 0) - P(bit k = 1): with one output, z >= 0 is class 0; else the largest z_k is class k.
    Raises ValueError for wrong shapes.
    """
    from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister
    from qiskit.circuit import ParameterVector

    n = circuit.qubits
    check_shapes(circuit, parameters, sample)
    inputs = ParameterVector("x", n) if sample is None else [float(angle) for angle in sample]
    made = QuantumCircuit(QuantumRegister(n, "q"), ClassicalRegister(circuit.outputs, "output"), name="ceas_ray_model")
    theta = iter(np.asarray(parameters, dtype=np.float64).tolist())
    for layer, gates in enumerate(circuit.gates):
        for q in range(n):
            if circuit.reuploaded or layer == 0:
                made.ry(inputs[q], q)
                made.rz(inputs[q], q)
            for axis in circuit.rotations:
                (made.ry if axis == RY else made.rz)(next(theta), q)
        for control, target in gates:
            (made.cx if circuit.entangler == "cx" else made.cz)(control, target)
    made.measure(range(circuit.outputs), range(circuit.outputs))
    return made
