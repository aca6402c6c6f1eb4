"""A trained circuit of the user's own as an OpenQASM 3 program, with standard gates alone.

Without noise: the ideal circuit that was trained. It measures nothing; comments say what its outputs are.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from ceas_ray.quantum.gate_circuit import CONSTANT, FixedGate, GateCircuit, Rotation, Term

Floats = NDArray[np.float64]

_TO_Z = {"X": (("h",), ("h",)), "Y": (("sdg", "h"), ("h", "s")), "Z": ((), ())}
"""Gates before and after a rotation about Z that make it one about X or Y."""


def gates_to_openqasm3(circuit: GateCircuit, parameters: Floats) -> str:
    """Return the program of trained parameters (P,), rad, with `input float[64] x_0` .. for the inputs.

    Global phases are left out. Numbers are written with all of their digits. Raises ValueError for a wrong shape.
    """
    if np.shape(parameters) != (circuit.parameter_count,):
        raise ValueError(f"parameters must have shape ({circuit.parameter_count},), got {np.shape(parameters)}")
    lines = ["OPENQASM 3.0;", 'include "stdgates.inc";']
    for k, observable in enumerate(circuit.observables):
        terms = " + ".join(f"{weight!r} {pauli}" for weight, pauli in observable)
        lines.append(f"// output {k}: {terms}, the last letter for q[0]")
    lines += [f"input float[64] x_{j};" for j in range(circuit.inputs)]
    lines.append(f"qubit[{circuit.qubits}] q;")
    for gate in circuit.gates:
        if isinstance(gate, Rotation):
            lines += _rotation(gate, _angle(gate.terms, parameters))
        elif isinstance(gate, FixedGate):
            lines.append(f"U({', '.join(map(repr, euler_angles(gate.unitary)))}) q[{gate.qubit}];")
        else:
            lines.append(f"{gate.name} q[{gate.qubits[0]}], q[{gate.qubits[1]}];")
    return "\n".join(lines) + "\n"


def _angle(terms: tuple[Term, ...], parameters: Floats) -> str:
    """Return the angle for these weights: a sum of numbers times inputs."""
    by_inputs: dict[tuple[int, ...], float] = {}
    for term in terms:
        weight = 1.0 if term.weight == CONSTANT else float(parameters[term.weight])
        by_inputs[term.inputs] = by_inputs.get(term.inputs, 0.0) + term.coefficient * weight
    parts = [" * ".join([repr(value), *(f"x_{j}" for j in inputs)]) for inputs, value in by_inputs.items()]
    return " + ".join(parts)


def _rotation(gate: Rotation, angle: str) -> Iterator[str]:
    if len(gate.qubits) == 1:
        yield f"r{gate.pauli.lower()}({angle}) q[{gate.qubits[0]}];"
        return
    around = [(name, q) for letter, q in zip(gate.pauli, gate.qubits, strict=True) for name in _TO_Z[letter][0]]
    back = [(name, q) for letter, q in zip(gate.pauli, gate.qubits, strict=True) for name in _TO_Z[letter][1]]
    first, second = gate.qubits
    yield from (f"{name} q[{q}];" for name, q in around)
    yield from (f"cx q[{first}], q[{second}];", f"rz({angle}) q[{second}];", f"cx q[{first}], q[{second}];")
    yield from (f"{name} q[{q}];" for name, q in back)


def euler_angles(unitary: NDArray[np.complex128]) -> tuple[float, float, float]:
    """Return theta, phi and lambda, rad, for which a unitary (2, 2) is U(theta, phi, lambda) up to a phase."""
    theta = 2 * float(np.arctan2(abs(unitary[1, 0]), abs(unitary[0, 0])))
    if abs(unitary[0, 0]) < 1e-12:
        return theta, float(np.angle(unitary[1, 0]) - np.angle(-unitary[0, 1])), 0.0
    phi = float(np.angle(unitary[1, 0] / unitary[0, 0])) if abs(unitary[1, 0]) > 1e-12 else 0.0
    if abs(unitary[1, 0]) > 1e-12:
        return theta, phi, float(np.angle(-unitary[0, 1] / unitary[0, 0]))
    return theta, 0.0, float(np.angle(unitary[1, 1] / unitary[0, 0]))
