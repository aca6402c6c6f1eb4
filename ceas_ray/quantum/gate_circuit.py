"""A circuit of the user's own: Pauli rotations, fixed gates on one qubit, CX and CZ, with shared parameters.

Each rotation exp(-i angle P / 2), P a Pauli string on one or two qubits, has an angle that is linear in the weights and
a polynomial in the inputs. It shifts by two terms: values at angle +- pi/2 give the derivative by that angle, and the
chain rule those by the weights, so a weight that is used m times takes 2 m shifted circuits (Mitarai et al., PRA 98,
2018; Schuld et al., PRA 99, 2019).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ceas_ray.quantum.gate_sharing import Sharing

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

CONSTANT = -1
"""In place of a weight: a term of an angle without one."""


class Term(NamedTuple):
    """A coefficient times the product of these inputs (one that occurs twice is squared), times a weight or
    CONSTANT.
    """

    coefficient: float
    inputs: tuple[int, ...] = ()
    weight: int = CONSTANT


class Rotation(NamedTuple):
    """exp(-i angle P / 2), the angle (rad) being the sum of the terms. pauli: one letter of X, Y, Z for each qubit."""

    pauli: str
    qubits: tuple[int, ...]
    terms: tuple[Term, ...]


class FixedGate(NamedTuple):
    """A unitary on one qubit, row by row, real and imaginary parts in turn: eight numbers."""

    qubit: int
    matrix: tuple[float, ...]

    @property
    def unitary(self) -> NDArray[np.complex128]:
        """The matrix, (2, 2)."""
        return np.array(self.matrix).view(np.complex128).reshape(2, 2)


class Entangler(NamedTuple):
    """CX (control first) or CZ."""

    name: Literal["cx", "cz"]
    qubits: tuple[int, int]


Gate = Rotation | FixedGate | Entangler


def qubits_of(gate: Gate) -> tuple[int, ...]:
    """Return the qubits that a gate acts on."""
    return (gate.qubit,) if isinstance(gate, FixedGate) else gate.qubits


Observable = tuple[tuple[float, str], ...]
"""Weighted Pauli strings, one letter of I, X, Y, Z for each qubit, the last letter for qubit 0."""

_TERM = re.compile(r"\s*([+-]?)\s*(?:(\d+\.?\d*(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?)\s*\*?\s*)?([IXYZ]+)\s*")


@dataclass(frozen=True)
class GateCircuit:
    """A list of gates on |0..0>. inputs, parameter_count: how many inputs x and weights theta angles are made of.

    prepared: how many of the first gates the hub does, ideally, before it teleports all qubits to the processor; they
    alone depend on inputs. None: the processor does all. barriers: before which gates, by their numbers, a barrier on
    all qubits stands. sharing: who does what where several processors share the circuit. Qubit q is bit q of an index
    (little endian).
    """

    qubits: int
    inputs: int
    parameter_count: int
    gates: tuple[Gate, ...]
    observables: tuple[Observable, ...]
    prepared: int | None = None
    barriers: tuple[int, ...] = ()
    sharing: Sharing | None = None

    @property
    def pairs_within(self) -> int:
        """Bell pairs that one shot spends inside the circuit."""
        return 0 if self.sharing is None else len(self.sharing.ends)

    @property
    def reuploaded(self) -> bool:
        """Whether inputs enter on the processor itself: no pair is spent on them."""
        return self.prepared is None

    @property
    def outputs(self) -> int:
        """K: one for each observable."""
        return len(self.observables)

    @cached_property
    def rotations(self) -> tuple[Rotation, ...]:
        """All rotations, in order."""
        return tuple(gate for gate in self.gates if isinstance(gate, Rotation))

    @cached_property
    def trained(self) -> tuple[int, ...]:
        """The rotations, by their numbers, whose angles depend on a weight: those that shift."""
        with_weight = [any(term.weight != CONSTANT for term in rotation.terms) for rotation in self.rotations]
        return tuple(int(r) for r in np.flatnonzero(with_weight))

    @property
    def shift_count(self) -> int:
        """R: the number of angles that shift, one for each occurrence of a weight in a rotation."""
        return len(self.trained)

    @cached_property
    def scales(self) -> Floats:
        """The largest value that each output can have, shape (K,): the sum of its weights' sizes."""
        return np.array([sum(abs(weight) for weight, _ in observable) for observable in self.observables])

    def angles(self, inputs: Floats, parameters: Floats, owner: Integers) -> Floats:
        """Return the angles of all rotations, rad: inputs (B, inputs), parameters (Q, P), owner (B,) -> (B, all)."""
        return _sums(self.rotations, inputs, parameters[owner])

    def slopes(self, inputs: Floats) -> Floats:
        """Return d angle_r / d theta_i of the angles that shift: inputs (B, inputs) -> (B, R, P).

        Where no input stands beside a weight all samples have the same: (1, R, P).
        """
        terms = [(r, term) for r, number in enumerate(self.trained) for term in self.rotations[number].terms]
        weighted = [(r, term) for r, term in terms if term.weight != CONSTANT]
        rows = inputs if any(term.inputs for _, term in weighted) else inputs[:1]
        found = np.zeros((len(rows), self.shift_count, self.parameter_count))
        for r, term in weighted:
            found[:, r, term.weight] += _monomial(term, rows)
        return found

    def description(self) -> dict[str, Any]:
        """Return the circuit as plain values, for JSON, without how processors share it."""
        return {
            "qubits": self.qubits,
            "inputs": self.inputs,
            "parameter_count": self.parameter_count,
            "gates": [[_KINDS[type(gate)], *gate] for gate in self.gates],
            "observables": self.observables,
            "prepared": self.prepared,
            "barriers": self.barriers,
        }

    @classmethod
    def from_description(cls, described: Mapping[str, Any]) -> GateCircuit:
        """Return the circuit that these plain values describe (see `description`)."""
        gates = tuple(_gate(kind, *of_gate) for kind, *of_gate in described["gates"])
        observables = tuple(tuple((float(w), str(p)) for w, p in terms) for terms in described["observables"])
        counts = (described["qubits"], described["inputs"], described["parameter_count"])
        return cls(*counts, gates, observables, described["prepared"], tuple(described["barriers"]))


_KINDS: dict[type, str] = {Rotation: "rotation", FixedGate: "fixed", Entangler: "entangler"}


def _gate(kind: str, first: Any, second: Any, *rest: Any) -> Gate:
    if kind == "rotation":
        terms = tuple(Term(float(c), tuple(inputs), weight) for c, inputs, weight in rest[0])
        return Rotation(first, tuple(second), terms)
    return FixedGate(first, tuple(second)) if kind == "fixed" else Entangler(first, tuple(second))


def _sums(rotations: Sequence[Rotation], inputs: Floats, parameters: Floats) -> Floats:
    """Return the angles of rotations, (B, all): inputs (B, inputs), parameters (B, P)."""
    found = np.zeros((len(inputs), len(rotations)))
    for r, rotation in enumerate(rotations):
        for term in rotation.terms:
            value = _monomial(term, inputs)
            found[:, r] += value if term.weight == CONSTANT else value * parameters[:, term.weight]
    return found


def _monomial(term: Term, inputs: Floats) -> Floats:
    """Return the term of every sample without its weight, (B,)."""
    value = np.full(len(inputs), term.coefficient)
    for j in term.inputs:
        value *= inputs[:, j]
    return value


def first_qubits(qubits: int, outputs: int) -> tuple[Observable, ...]:
    """Return <Z_k>, k = 0 .. outputs - 1."""
    return tuple(((1.0, "I" * (qubits - 1 - k) + "Z" + "I" * k),) for k in range(outputs))


def read_observable(text: str, qubits: int) -> Observable:
    """Return the observable that a text such as `0.5*ZZI - XII` describes. Raises ValueError for a text that describes
    none on this many qubits.
    """
    found: dict[str, float] = {}
    place = 0
    while place < len(text):
        term = _TERM.match(text, place)
        if term is None or (place > 0 and not term[1]):
            raise ValueError(f"a sum of weighted Pauli strings, as 0.5*ZZ + XI, got {text!r}")
        if len(term[3]) != qubits:
            raise ValueError(f"Pauli strings of one letter for each of {qubits} qubits, got {term[3]!r}")
        weight = float(term[2] or 1) * (-1 if term[1] == "-" else 1)
        found[term[3]] = found.get(term[3], 0.0) + weight
        place = term.end()
    kept = tuple((weight, pauli) for pauli, weight in found.items() if weight != 0)
    if not kept or not all(np.isfinite(weight) for weight, _ in kept):
        raise ValueError(f"a sum of weighted Pauli strings that is finite and not 0, got {text!r}")
    return kept
