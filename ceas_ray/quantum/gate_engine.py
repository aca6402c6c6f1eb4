"""The exact engine for circuits of the user's own: density matrices in the Pauli basis, gate by gate.

Lanes (samples with the parameters and the noise of their processor) lie innermost, as in `pauli_engine`, whose results
it has. Every gate acts ideally, then the noise of its processor follows, see `Noise`; a gate on two qubits has the
depolarizing of its first. A rotation is R = A + B cos + C sin of its angle, so values at angle +- pi/2 are
z + z'' +- z', and one backward pass gives z' and z'' of all of them.
"""

from __future__ import annotations

from functools import cache
from math import isqrt
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ceas_ray.quantum import gate_kernels, gate_steps
from ceas_ray.quantum.gate_circuit import Entangler, FixedGate, GateCircuit
from ceas_ray.quantum.gate_noise import Noise, noiseless
from ceas_ray.quantum.lanes import aligned_rows, lane_count
from ceas_ray.quantum.pauli_engine import LaneInputs, ShiftedValues, pauli_weights
from ceas_ray.quantum.threads import in_blocks

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Complexes = NDArray[np.complex128]

PAULIS: dict[str, Complexes] = {
    "I": np.eye(2, dtype=np.complex128),
    "X": np.array([[0, 1], [1, 0]], np.complex128),
    "Y": np.array([[0, -1j], [1j, 0]], np.complex128),
    "Z": np.diag([1, -1]).astype(np.complex128),
}


def shifted_values(circuit: GateCircuit, inputs: LaneInputs, output: Integers, *, threads: int = 1) -> ShiftedValues:
    """Return one output of each lane, output (B,), and its derivatives by every angle that shifts, (B, R).

    Readout errors are in it. inputs: `angles` holds the inputs x (B, inputs); there are no pairs within the circuit.
    Raises ValueError for wrong shapes.
    """
    problem = _problem(circuit, inputs)
    lanes, output = len(inputs.owner), np.asarray(output)
    one = (np.arange(circuit.outputs) == output[:, None]).astype(np.float64)
    values = np.empty((lanes, circuit.outputs))
    first, second = np.empty((lanes, circuit.shift_count)), np.empty((lanes, circuit.shift_count))
    segment, states = _segment(circuit), kept_states(circuit)

    def work(block: int, step: int) -> None:
        workspace = _states(circuit, states)
        gate_kernels.reverse_mode(problem, one, block, step, segment, workspace, (values, first, second))

    in_blocks(work, threads)
    return ShiftedValues(np.take_along_axis(values, output[:, None], axis=1)[:, 0], first, second)


def expectations(circuit: GateCircuit, inputs: LaneInputs, *, threads: int = 1) -> Floats:
    """Return all outputs of each lane, (B, K), readout errors included; arguments as `shifted_values`."""
    problem = _problem(circuit, inputs)
    values = np.empty((len(inputs.owner), circuit.outputs))
    in_blocks(lambda block, step: gate_kernels.forward(problem, block, step, _states(circuit, 1), values), threads)
    return values


def pulled_back_observables(
    circuit: GateCircuit, parameters: Floats, noise: Floats, shifts: Floats | None = None
) -> Floats:
    """Return the observables pulled back to what the hub teleports: z_k = sum_P h_kP <P>, shape (Q, K, 4^n).

    Readout errors are in them. For circuits that a hub prepares. parameters (Q, P), noise (Q, n, 7); shifts (Q, R):
    what is added to the angles that shift, rad.
    """
    assert circuit.prepared is not None, "an observable can be pulled back to the input only where it is prepared first"
    processors, outputs = len(parameters), circuit.outputs
    owner, each = np.repeat(np.arange(processors), outputs), np.tile(np.eye(outputs), (processors, 1))
    perfect, nothing = np.ones((processors, circuit.qubits + 1)), np.zeros((len(owner), circuit.inputs))
    problem = _problem(circuit, LaneInputs(nothing, parameters, noise, perfect, owner))
    angles = problem.angles
    if shifts is not None:
        angles[:, circuit.trained] += shifts[owner]
    problem = problem._replace(trained=np.full_like(problem.trained, -1), angles=angles)
    pulled = np.empty((len(owner), 4**circuit.qubits))
    gate_kernels.pull_back(problem, each, 0, 1, _states(circuit, 1), pulled)
    return pulled.reshape(processors, outputs, -1)


def prepared_states(circuit: GateCircuit, inputs: Floats) -> Floats:
    """Return the Pauli coefficients of what the hub prepares of inputs (B, inputs), shape (B, 4^n)."""
    count = len(inputs)
    parameters, perfect = np.zeros((1, circuit.parameter_count)), np.ones((1, circuit.qubits + 1))
    owner = np.zeros(count, np.int64)
    problem = _problem(circuit, LaneInputs(inputs, parameters, noiseless(1, circuit.qubits), perfect, owner))
    states = np.empty((count, 4**circuit.qubits))
    gate_kernels.prepare(problem, 0, 1, _states(circuit, 1), states)
    return states


def kept_states(circuit: GateCircuit) -> int:
    """Return how many states, each (4^n, lanes), the derivatives of a block of lanes take."""
    gates, segment = len(circuit.gates) - (circuit.prepared or 0), _segment(circuit)
    return 2 + -(-gates // segment) + segment


def _segment(circuit: GateCircuit) -> int:
    """Return the gates from one kept state to the next, and as many states are kept from there."""
    return isqrt(len(circuit.gates) - (circuit.prepared or 0) - 1) + 1


def _states(circuit: GateCircuit, count: int) -> Floats:
    states: Floats = aligned_rows(count * 4**circuit.qubits, np.float64)
    return states.reshape(count, 4**circuit.qubits, lane_count(np.float64))


def _problem(circuit: GateCircuit, inputs: LaneInputs) -> gate_kernels.Problem:
    lanes, processors = len(inputs.owner), len(inputs.parameters)
    x = _array_of("angles", inputs.angles, (lanes, circuit.inputs))
    parameters = _array_of("parameters", inputs.parameters, (processors, circuit.parameter_count))
    noise = _array_of("noise", inputs.noise, (processors, circuit.qubits, len(Noise)))
    owner, tables = np.ascontiguousarray(inputs.owner, np.int64), _tables(circuit)
    readout = 1 - 2 * noise[:, :, Noise.READOUT]
    weights = np.stack(
        [weight * np.prod(np.where(touched, readout, 1.0), axis=1)
         for weight, touched in zip(tables.weights, tables.touched, strict=True)], axis=1,
    )  # fmt: skip
    return gate_kernels.Problem(
        kinds=tables.kinds,
        qubits=tables.qubits,
        tables=tables.numbers,
        rotations=tables.rotations,
        trained=tables.trained,
        partners=tables.partners,
        signs=tables.signs,
        matrices=tables.matrices,
        angles=np.ascontiguousarray(circuit.angles(x, parameters, owner)),
        noise=noise,
        owner=owner,
        terms=tables.terms,
        weights=np.ascontiguousarray(weights),
        starts=tables.starts,
        prepared=-1 if circuit.prepared is None else circuit.prepared,
        attenuation=_array_of("attenuation", inputs.attenuation, (processors, circuit.qubits + 1)),
        strings=pauli_weights(circuit.qubits),
    )


def _array_of(name: str, array: Floats, shape: tuple[int, ...]) -> Floats:
    if np.shape(array) != shape:
        raise ValueError(f"{name} must have shape {shape}, got {np.shape(array)}")
    return np.ascontiguousarray(array, np.float64)


class _Tables(NamedTuple):
    """A circuit as arrays, see `gate_kernels.Problem`. weights (T,); touched (T, n): which qubits a term measures."""

    kinds: Integers
    qubits: Integers
    numbers: Integers
    rotations: Integers
    trained: Integers
    partners: Integers
    signs: Floats
    matrices: Floats
    terms: Integers
    weights: Floats
    touched: NDArray[np.bool_]
    starts: Integers


@cache
def _tables(circuit: GateCircuit) -> _Tables:
    names: dict[str, int] = {}
    matrices: dict[tuple[float, ...], int] = {}
    rows, rotation = [], 0
    place = {number: r for r, number in enumerate(circuit.trained)}
    for gate in circuit.gates:
        if isinstance(gate, FixedGate):
            number = matrices.setdefault(gate.matrix, len(matrices))
            rows.append((gate_steps.FIXED, gate.qubit, -1, number, -1, -1))
        elif isinstance(gate, Entangler):
            number = names.setdefault(gate.name, len(names))
            rows.append((gate_steps.PERMUTATION, *gate.qubits, number, -1, -1))
        else:
            number = names.setdefault(gate.pauli, len(names))
            second = gate.qubits[1] if len(gate.qubits) > 1 else -1
            rows.append((gate_steps.ROTATION, gate.qubits[0], second, number, rotation, place.get(rotation, -1)))
            rotation += 1
    table = np.array(rows, np.int64).reshape(-1, 6)
    kinds, numbers, rotations, trained = (np.ascontiguousarray(table[:, column]) for column in (0, 3, 4, 5))
    found = [_entangler_table(name) if name in ("cx", "cz") else _rotation_table(name) for name in names]
    fixed = [transfer_matrix(FixedGate(0, matrix).unitary)[1:, 1:] for matrix in matrices]
    return _Tables(
        kinds,
        np.ascontiguousarray(table[:, 1:3]),
        numbers,
        rotations,
        trained,
        np.array([partners for partners, _ in found], np.int64).reshape(-1, 16),
        np.array([signs for _, signs in found], np.float64).reshape(-1, 16),
        np.array(fixed, np.float64).reshape(-1, 3, 3),
        *_measured(circuit),
    )


def _measured(circuit: GateCircuit) -> tuple[Integers, Floats, NDArray[np.bool_], Integers]:
    """Return terms, weights, touched and starts of `_Tables`."""
    terms = [term for observable in circuit.observables for term in observable]
    digits = np.array([["IXYZ".index(letter) for letter in reversed(pauli)] for _, pauli in terms], np.int64)
    index = digits @ 4 ** np.arange(circuit.qubits)
    starts = np.cumsum([0, *(len(observable) for observable in circuit.observables)])
    return index, np.array([weight for weight, _ in terms]), digits > 0, starts.astype(np.int64)


def _strings(qubits: int) -> list[Complexes]:
    """Return all Pauli strings of one or two qubits in the order of a block, the first qubit's digit being the
    lowest.
    """
    paulis = list(PAULIS.values())
    if qubits == 1:
        return paulis
    return [np.asarray(np.kron(second, first), np.complex128) for second in paulis for first in paulis]


def transfer_matrix(unitary: Complexes) -> Floats:
    """Return tr(A U B U^dagger) / 2^n of all Pauli strings A, B: (4, 4) of one qubit, (16, 16) of two (little
    endian).
    """
    strings = _strings(len(unitary) // 2)
    moved = [unitary @ string @ unitary.conj().T for string in strings]
    return np.array([[np.trace(a @ b).real / len(unitary) for b in moved] for a in strings])


def _entangler_table(name: str) -> tuple[Integers, Floats]:
    """Return the partners and signs (16,) of CX or CZ: coefficient p comes from that of its partner."""
    flip = PAULIS["X" if name == "cx" else "Z"]
    projectors = np.diag([1, 0]), np.diag([0, 1])
    found = np.rint(transfer_matrix(np.kron(np.eye(2), projectors[0]) + np.kron(flip, projectors[1])))
    partners = np.argmax(np.abs(found), axis=1)
    return partners, np.take_along_axis(found, partners[:, None], axis=1)[:, 0]


def _rotation_table(pauli: str) -> tuple[Integers, Floats]:
    """Return the partners and signs (16,), 0 where a string commutes: -i P B is sign times A, where B is A's
    partner.
    """
    generator = PAULIS[pauli[0]] if len(pauli) == 1 else np.kron(PAULIS[pauli[1]], PAULIS[pauli[0]])
    strings = _strings(len(pauli))
    partners, signs = np.arange(16), np.zeros(16)
    for a, string in enumerate(strings):
        for b, other in enumerate(strings):
            if np.allclose(generator @ other, -other @ generator):
                overlap = np.trace(string @ (-1j * generator @ other)).real / len(generator)
                if abs(overlap) > 0.5:
                    partners[a], signs[a] = b, np.rint(overlap)
    return partners, signs
