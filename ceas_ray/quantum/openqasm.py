"""A trained circuit as an OpenQASM 3 program, for other tools; written here so that a run needs no Qiskit for it.

Without noise and pairs: the ideal circuit that was trained. `qiskit_export.export` makes the same circuit in Qiskit.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ceas_ray.quantum.circuit import RY, Circuit

Floats = NDArray[np.float64]


def to_openqasm3(circuit: Circuit, parameters: Floats, sample: Floats | None = None) -> str:
    """Return the program of trained parameters (P,), rad, that measures output k into bit k of `output`.

    sample: encoding angles (n,), rad, to bind; None declares them as `input angle_0` .. `angle_(n - 1)`. Numbers are
    written with all of their digits. Raises ValueError for wrong shapes.
    """
    check_shapes(circuit, parameters, sample)
    n = circuit.qubits
    inputs = [f"angle_{q}" for q in range(n)] if sample is None else [repr(float(angle)) for angle in sample]
    theta = iter(np.asarray(parameters, dtype=np.float64).tolist())
    lines = ["OPENQASM 3.0;", 'include "stdgates.inc";']
    lines += [f"input float[64] {name};" for name in inputs if sample is None]
    lines += [f"bit[{circuit.outputs}] output_bits;", f"qubit[{n}] q;"]
    for layer, gates in enumerate(circuit.gates):
        for q in range(n):
            if circuit.reuploaded or layer == 0:
                lines += [f"ry({inputs[q]}) q[{q}];", f"rz({inputs[q]}) q[{q}];"]
            lines += [f"{'ry' if axis == RY else 'rz'}({next(theta)!r}) q[{q}];" for axis in circuit.rotations]
        lines += [f"{circuit.entangler} q[{control}], q[{target}];" for control, target in gates]
    lines += [f"output_bits[{k}] = measure q[{k}];" for k in range(circuit.outputs)]
    return "\n".join(lines) + "\n"


def check_shapes(circuit: Circuit, parameters: Floats, sample: Floats | None) -> None:
    """Raise ValueError unless parameters have shape (P,), and a sample, where one is given, (n,)."""
    if np.shape(parameters) != (circuit.parameter_count,):
        raise ValueError(f"parameters must have shape ({circuit.parameter_count},), got {np.shape(parameters)}")
    if sample is not None and np.shape(sample) != (circuit.qubits,):
        raise ValueError(f"a sample must have shape ({circuit.qubits},), got {np.shape(sample)}")
