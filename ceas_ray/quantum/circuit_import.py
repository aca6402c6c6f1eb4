"""Circuits of the user's own from OpenQASM 3 and Qiskit, compiled to the gates of `GateCircuit`.

Qiskit is imported when it is called.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ceas_ray.kernel.input_file import InputFile
from ceas_ray.quantum.angle_terms import angle_terms, scaled
from ceas_ray.quantum.gate_circuit import CONSTANT, Entangler, FixedGate, Gate, GateCircuit, Rotation, Term, qubits_of
from ceas_ray.quantum.qiskit_import import definition_of, matrix_of, parsed_openqasm, qubit_name

MAX_GATES = 2_000
"""Compiled: derivatives keep a state for the root of their number, and each takes a pass over all of its entries."""
MAX_PARAMETERS = 2_000

_ROTATIONS = {
    "RXGate": "X", "RYGate": "Y", "RZGate": "Z", "PhaseGate": "Z", "U1Gate": "Z",
    "RXXGate": "XX", "RYYGate": "YY", "RZZGate": "ZZ", "RZXGate": "ZX",
}  # fmt: skip
_CONTROLLED_ROTATIONS = {"CRXGate": "X", "CRYGate": "Y", "CRZGate": "Z"}
_CONTROLLED_PHASES = ("CPhaseGate", "CU1Gate")
_NAME = re.compile(r"(x|theta)_?(\d+)")
_HALF_TURN = (Term(np.pi / 2),)


def read_circuit(file: InputFile, max_qubits: int) -> GateCircuit:
    """Read an OpenQASM 3 program with `input float x_0`, `x_1`, ... and `theta_0`, ...; no observables yet.

    Raises ValueError for what is wrong with it.
    """
    parsed = parsed_openqasm(file)
    named: dict[str, dict[int, Any]] = {"x": {}, "theta": {}}
    for parameter in parsed.parameters:
        said = _NAME.fullmatch(parameter.name)
        if said is None:
            raise ValueError(
                f"inputs must be called x_0, x_1, ... and weights theta_0, theta_1, ..., got {parameter.name}"
            )
        named[said[1]][int(said[2])] = parameter
    for name, found in named.items():
        missing = next((n for n in range(len(found)) if n not in found), None)
        if missing is not None:
            raise ValueError(f"{name}_{max(found)} is used without {name}_{missing}")
    vectors = [[found[n] for n in range(len(found))] for found in named.values()]
    return compiled(parsed, *vectors, max_qubits=max_qubits)


def compiled(circuit: Any, inputs: Sequence[Any], weights: Sequence[Any], *, max_qubits: int) -> GateCircuit:
    """Compile a `QuantumCircuit` with these parameters as inputs and weights; it has no observables yet.

    Measurements at the end are left out, and so are barriers, except those on all qubits. Raises ValueError, which
    names the gate or the parameter, for what cannot be compiled.
    """
    if not 1 <= circuit.num_qubits <= max_qubits:
        raise ValueError(f"a circuit must have 1 to {max_qubits} qubits, got {circuit.num_qubits}")
    _check_parameters(circuit, inputs, weights)
    compiler = _Compiler(circuit, inputs, weights)
    compiler.append_all(circuit, list(range(circuit.num_qubits)))
    made = GateCircuit(
        circuit.num_qubits,
        len(inputs),
        len(weights),
        tuple(compiler.found),
        (),
        barriers=tuple(sorted(compiler.barriers)),
    )
    terms = [term for rotation in made.rotations for term in rotation.terms]
    if not any(term.inputs for term in terms):
        raise ValueError("inputs must enter a gate, got none that does")
    if not any(term.weight != CONSTANT for term in terms):
        raise ValueError("weights must enter a gate, got none that does")
    return made


def _check_parameters(circuit: Any, inputs: Sequence[Any], weights: Sequence[Any]) -> None:
    for kind, vector in (("inputs", inputs), ("weights", weights)):
        if not 1 <= len(vector) <= MAX_PARAMETERS:
            raise ValueError(f"a circuit must have 1 to {MAX_PARAMETERS:,} {kind}, got {len(vector)}")
    known = [*inputs, *weights]
    names = [parameter.name for parameter in known]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise ValueError(f"each parameter must be one input or one weight, got {twice} twice")
    unbound = next((parameter.name for parameter in circuit.parameters if parameter not in known), None)
    if unbound is not None:
        raise ValueError(f"all parameters must be inputs or weights, got {unbound}")


class _Compiler:
    """Compiles a circuit, and holds the gates found so far."""

    def __init__(self, circuit: Any, inputs: Sequence[Any], weights: Sequence[Any]) -> None:
        self.found: list[Gate] = []
        self.barriers: set[int] = set()
        self._steps = 0
        self._inputs = {parameter.name: n for n, parameter in enumerate(inputs)}
        self._weights = {parameter.name: n for n, parameter in enumerate(weights)}
        self._names = [qubit_name(circuit, qubit) for qubit in circuit.qubits]
        self._measured: set[int] = set()
        self._touched: set[int] = set()

    def append_all(self, circuit: Any, qubits: list[int]) -> None:
        """Append a circuit whose qubits are these of the outermost one."""
        for step in circuit.data:
            self._count()
            self._append(step.operation, [qubits[circuit.find_bit(qubit).index] for qubit in step.qubits])

    def _append(self, operation: Any, at: list[int]) -> None:
        kind = operation.base_class.__name__  # not its name: a program may define gates with any
        if kind in ("Barrier", "Delay") or not at:  # a global phase has no qubit
            if kind == "Barrier" and len(at) == len(self._names):
                self.barriers.add(len(self.found))
            return
        after = next((q for q in at if q in self._measured), None)
        if after is not None:
            raise ValueError(f"measurements must come last, got {operation.name} after one of {self._names[after]}")
        if kind == "Measure":
            self._measured |= {*at}
        elif kind == "Reset":
            if at[0] in self._touched:
                raise ValueError(f"a qubit can be reset before its first gate alone, got reset of {self._names[at[0]]}")
        elif kind == "ForLoopOp":
            self._unroll(operation, at)
        else:
            self._gate(kind, operation, at)

    def _gate(self, kind: str, operation: Any, at: list[int]) -> None:
        make = _MAKERS.get(kind)
        if kind in ("CXGate", "CZGate"):
            self._add(Entangler("cx" if kind == "CXGate" else "cz", (at[0], at[1])))
        elif len(at) == 1 and not _is_open(operation) and (matrix := matrix_of(operation)) is not None:
            if not np.all(np.isfinite(matrix)):
                raise ValueError(f"gates must have finite angles, got {operation.name} on {self._names[at[0]]}")
            self._add(FixedGate(at[0], tuple(np.ascontiguousarray(matrix).reshape(-1).view(np.float64).tolist())))
        elif make is not None:
            for gate in make(kind, at, [self._terms(operation, at, angle) for angle in operation.params]):
                self._add(gate)
        else:
            self._expand(operation, at)

    def _terms(self, operation: Any, at: list[int], angle: Any) -> tuple[Term, ...]:
        try:
            return angle_terms(angle, self._inputs, self._weights)
        except ValueError as error:
            got = f"{operation.name}({angle}) on {self._names[at[0]]}"
            raise ValueError(f"an angle must be {error}, got {got}") from None

    def _expand(self, operation: Any, at: list[int]) -> None:
        definition = definition_of(operation)
        if definition is None:
            raise ValueError(f"gates must be unitary, got {operation.name} on {self._names[at[0]]}")
        self.append_all(definition, at)

    def _unroll(self, loop: Any, at: list[int]) -> None:
        values, parameter, body = loop.params
        for value in values:
            self._count()
            bound = body if parameter is None else body.assign_parameters({parameter: value}, strict=False)
            self.append_all(bound, at)

    def _add(self, gate: Gate) -> None:
        self.found.append(gate)
        self._touched |= {*qubits_of(gate)}
        if len(self.found) > MAX_GATES:
            raise ValueError(f"a circuit must have at most {MAX_GATES:,} gates once it is compiled, got more")

    def _count(self) -> None:
        """Count the gates that are read, so that reading ends in loops and in definitions without gates too."""
        self._steps += 1
        if self._steps > 50 * MAX_GATES:
            raise ValueError(f"a circuit must have at most {50 * MAX_GATES:,} instructions, loops unrolled, got more")


Angle = tuple[Term, ...]


def _rotation(kind: str, at: list[int], angles: list[Angle]) -> list[Gate]:
    return [Rotation(_ROTATIONS[kind], tuple(at), angles[0])]


def _controlled_rotation(kind: str, at: list[int], angles: list[Angle]) -> list[Gate]:
    """Return |1><1| x P = (P - Z P) / 2, whose two parts commute."""
    pauli, half = _CONTROLLED_ROTATIONS[kind], scaled(angles[0], 0.5)
    return [Rotation(pauli, (at[1],), half), Rotation("Z" + pauli, (at[0], at[1]), scaled(half, -1.0))]


def _controlled_phase(_: str, at: list[int], angles: list[Angle]) -> list[Gate]:
    """Return |11><11| = (1 - Z_c - Z_t + Z_c Z_t) / 4."""
    half = scaled(angles[0], 0.5)
    ones: list[Gate] = [Rotation("Z", (q,), half) for q in at]
    return [*ones, Rotation("ZZ", (at[0], at[1]), scaled(half, -1.0))]


def _general(kind: str, at: list[int], angles: list[Angle]) -> list[Gate]:
    """Return U(theta, phi, lambda) = RZ(phi) RY(theta) RZ(lambda) up to a phase; U2 has theta = pi / 2."""
    theta, phi, last = angles if kind != "U2Gate" else (_HALF_TURN, *angles)
    return [Rotation(pauli, (at[0],), angle) for pauli, angle in (("Z", last), ("Y", theta), ("Z", phi))]


def _about_equator(_: str, at: list[int], angles: list[Angle]) -> list[Gate]:
    """Return R(theta, phi) = RZ(phi) RX(theta) RZ(-phi)."""
    theta, phi = angles
    turned = (("Z", scaled(phi, -1.0)), ("X", theta), ("Z", phi))
    return [Rotation(pauli, (at[0],), angle) for pauli, angle in turned]


_MAKERS: dict[str, Callable[[str, list[int], list[Angle]], list[Gate]]] = {
    **dict.fromkeys(_ROTATIONS, _rotation),
    **dict.fromkeys(_CONTROLLED_ROTATIONS, _controlled_rotation),
    **dict.fromkeys(_CONTROLLED_PHASES, _controlled_phase),
    **dict.fromkeys(("UGate", "U2Gate", "U3Gate"), _general),
    "RGate": _about_equator,
}


def _is_open(operation: Any) -> bool:
    """Decide whether the gate has an angle with a parameter in it."""
    return any(getattr(value, "parameters", ()) for value in operation.params)
