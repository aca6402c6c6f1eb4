"""Circuits of the user's own without noise: state vectors, reverse mode, many samples side by side.

Nothing is stored on the way: the backward pass undoes the gates on the state psi and on lambda = O psi alike. A
rotation exp(-i angle P / 2) has dz/d angle = Im <lambda| P |psi>, taken after it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ceas_ray.quantum.gate_circuit import Entangler, FixedGate, GateCircuit, Observable, Rotation
from ceas_ray.quantum.gate_noise import Noise
from ceas_ray.quantum.pauli_engine import LaneInputs, ShiftedValues
from ceas_ray.quantum.state_vector_engine import Derivatives

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Complexes = NDArray[np.complex128]

_MAX_BYTES = 2**25
"""Of the states of samples that are computed at once."""


def expectations(circuit: GateCircuit, angles: Floats, parameters: Floats, owner: Integers) -> Floats:
    """Return all outputs of each lane, shape (B, K).

    angles: the inputs x (B, inputs); parameters (Q, P) per processor; owner (B,): the lane's processor.
    """
    values = np.empty((len(owner), circuit.outputs))
    for some in _blocks(circuit, len(owner)):
        turns = circuit.angles(angles[some], parameters, owner[some])
        psi = _final_states(circuit, turns)
        for k, observable in enumerate(circuit.observables):
            values[some, k] = _inner(psi, _observed(observable, psi)).real
    return values


def reverse_mode(
    circuit: GateCircuit, angles: Floats, parameters: Floats, *, owner: Integers, cotangent: Floats
) -> Derivatives:
    """Return all outputs of each lane, and the derivative of sum_k cotangent_k z_k by every weight, (B, P).

    cotangent (B, K); the other arguments as `expectations`.
    """
    values = np.empty((len(owner), circuit.outputs))
    first = np.empty((len(owner), circuit.parameter_count))
    for some in _blocks(circuit, len(owner)):
        turns = circuit.angles(angles[some], parameters, owner[some])
        psi = _final_states(circuit, turns)
        dual = np.zeros_like(psi)
        for k, observable in enumerate(circuit.observables):
            seen = _observed(observable, psi)
            values[some, k] = _inner(psi, seen).real
            dual += cotangent[some, k, None] * seen
        by_angle = _backwards(circuit, turns, psi, dual)[:, circuit.trained]
        slopes = np.broadcast_to(circuit.slopes(angles[some]), (len(psi), circuit.shift_count, circuit.parameter_count))
        first[some] = np.einsum("br,brp->bp", by_angle, slopes)
    return Derivatives(values, first)


def shifted_values(circuit: GateCircuit, inputs: LaneInputs, output: Integers, *, threads: int = 1) -> ShiftedValues:
    """Return one output of each lane and its derivatives by every angle that shifts, as `gate_engine` does, for
    circuits that are too large for density matrices.

    Gates must be perfect and the circuit whole; readout errors are in the values. With |r> the derivative of the state
    by angle r, and psi the state, z' = 2 Re <r|O|psi> and z'' = 2 <r|O|r> - <psi|O|psi> / 2. Everything is computed in
    one thread. Raises ValueError for noise of gates, and circuits that are shared or prepared.
    """
    gate_noise = np.delete(np.asarray(inputs.noise), Noise.READOUT, axis=-1)
    if np.any(gate_noise) or circuit.sharing is not None or circuit.prepared is not None:
        raise ValueError("state vectors are those of perfect gates on one processor, without Bell pairs")
    lanes = len(inputs.owner)
    values = np.empty(lanes)
    first, second = np.empty((lanes, circuit.shift_count)), np.empty((lanes, circuit.shift_count))
    turns = circuit.angles(inputs.angles, inputs.parameters, inputs.owner)
    keep = 1 - 2 * np.asarray(inputs.noise)[:, :, Noise.READOUT]
    for lane in range(lanes):
        seen = _as_read(circuit.observables[output[lane]], keep[inputs.owner[lane]])
        values[lane], first[lane], second[lane] = _by_angle(circuit, turns[lane : lane + 1], seen)
    return ShiftedValues(values, first, second)


def _as_read(observable: Observable, keep: Floats) -> Observable:
    """Return the observable as readout errors make it; keep (n,): the share of each qubit's outcome that they leave."""
    return tuple(
        (weight * float(np.prod([keep[q] for q, letter in enumerate(reversed(pauli)) if letter != "I"])), pauli)
        for weight, pauli in observable
    )


def _by_angle(circuit: GateCircuit, turns: Floats, observable: Observable) -> tuple[float, Floats, Floats]:
    """Return an output of one lane, and its derivatives by every angle that shifts, (R,), as many at once as there is
    room for.
    """
    at_once = max(1, _MAX_BYTES // (16 * 2**circuit.qubits))
    first, second, value = np.empty(circuit.shift_count), np.empty(circuit.shift_count), 0.0
    for start in range(0, max(1, circuit.shift_count), at_once):
        psi, moved = _with_tangents(circuit, turns, circuit.trained[start : start + at_once])
        seen = _observed(observable, psi)
        value = float(_inner(psi, seen).real[0])
        some = slice(start, start + len(moved))
        first[some] = 2 * (moved.conj() @ seen[0]).real
        second[some] = 2 * _inner(moved, _observed(observable, moved)).real - value / 2
    return value, first, second


def _with_tangents(circuit: GateCircuit, turns: Floats, chosen: Sequence[int]) -> tuple[Complexes, Complexes]:
    """Return the final state of one lane, (1, 2^n), and its derivatives by these angles, (chosen, 2^n)."""
    states = np.zeros((1, 2**circuit.qubits), dtype=np.complex128)
    states[0, 0], rotation = 1, 0
    for gate in circuit.gates:
        if not isinstance(gate, Rotation):
            states = _fixed(gate, states, inverse=False)
            continue
        states = _rotated(circuit, gate, turns[:, rotation], states)
        if rotation in chosen:
            states = np.concatenate([states, -0.5j * _pauli(_string(gate, circuit.qubits), states[:1])])
        rotation += 1
    return states[:1], states[1:]


def state_and_tangents(circuit: GateCircuit, angles: Floats, parameters: Floats) -> tuple[Complexes, Complexes]:
    """Return the final states (B, 2^n) and their derivatives by every weight (B, P, 2^n), in one forward pass.

    angles: the inputs x (B, inputs); parameters (P,).
    """
    samples, weights = len(angles), circuit.parameter_count
    turns = circuit.angles(angles, parameters[None], np.zeros(samples, np.int64))
    slopes = np.broadcast_to(circuit.slopes(angles), (samples, circuit.shift_count, weights))
    trained = {number: place for place, number in enumerate(circuit.trained)}
    psi = np.zeros((samples, 2**circuit.qubits), dtype=np.complex128)
    psi[:, 0] = 1
    tangents = np.zeros((samples * weights, 2**circuit.qubits), dtype=np.complex128)
    rotation = 0
    for gate in circuit.gates:
        if not isinstance(gate, Rotation):
            psi, tangents = (_fixed(gate, states, inverse=False) for states in (psi, tangents))
            continue
        psi = _rotated(circuit, gate, turns[:, rotation], psi)
        tangents = _rotated(circuit, gate, np.repeat(turns[:, rotation], weights), tangents)
        if rotation in trained:
            moved = -0.5j * _pauli(_string(gate, circuit.qubits), psi)
            tangents += (slopes[:, trained[rotation], :, None] * moved[:, None]).reshape(tangents.shape)
        rotation += 1
    return psi, tangents.reshape(samples, weights, -1)


def _blocks(circuit: GateCircuit, lanes: int) -> Iterator[slice]:
    size = max(1, _MAX_BYTES // (16 * 2**circuit.qubits))
    yield from (slice(start, start + size) for start in range(0, lanes, size))


def _final_states(circuit: GateCircuit, turns: Floats) -> Complexes:
    """Return the states at the end, (B, 2^n); turns (B, rotations): all angles."""
    psi = np.zeros((len(turns), 2**circuit.qubits), dtype=np.complex128)
    psi[:, 0] = 1
    rotation = 0
    for gate in circuit.gates:
        if isinstance(gate, Rotation):
            psi = _rotated(circuit, gate, turns[:, rotation], psi)
            rotation += 1
        else:
            psi = _fixed(gate, psi, inverse=False)
    return psi


def _backwards(circuit: GateCircuit, turns: Floats, psi: Complexes, dual: Complexes) -> Floats:
    """Undo all gates; return the derivatives by every angle, (B, rotations)."""
    found = np.empty_like(turns)
    rotation = turns.shape[1]
    for gate in reversed(circuit.gates):
        if isinstance(gate, Rotation):
            rotation -= 1
            found[:, rotation] = _inner(dual, _pauli(_string(gate, circuit.qubits), psi)).imag
            psi, dual = (_rotated(circuit, gate, -turns[:, rotation], state) for state in (psi, dual))
        else:
            psi, dual = (_fixed(gate, state, inverse=True) for state in (psi, dual))
    return found


def _rotated(circuit: GateCircuit, gate: Rotation, angle: Floats, psi: Complexes) -> Complexes:
    half = angle[:, None] / 2
    turned: Complexes = np.cos(half) * psi - 1j * np.sin(half) * _pauli(_string(gate, circuit.qubits), psi)
    return turned


def _fixed(gate: FixedGate | Entangler, psi: Complexes, *, inverse: bool) -> Complexes:
    """Return a gate without an angle on states (B, 2^n)."""
    if isinstance(gate, FixedGate):
        unitary = gate.unitary.conj().T if inverse else gate.unitary
        halves = psi.reshape(len(psi), -1, 2, 2**gate.qubit)
        zero, one = halves[:, :, 0], halves[:, :, 1]
        rows = [row[0] * zero + row[1] * one for row in unitary]
        return np.stack(rows, axis=2).reshape(psi.shape)
    control, target = gate.qubits
    index = np.arange(psi.shape[1])
    if gate.name == "cx":
        return psi[:, np.where(index >> control & 1, index ^ (1 << target), index)]
    moved: Complexes = psi * np.where((index >> control) & (index >> target) & 1, -1.0, 1.0)
    return moved


def _string(gate: Rotation, qubits: int) -> str:
    """Return the rotation's Pauli on all qubits, the last letter for qubit 0."""
    letters = ["I"] * qubits
    for letter, qubit in zip(gate.pauli, gate.qubits, strict=True):
        letters[qubits - 1 - qubit] = letter
    return "".join(letters)


def _observed(observable: Observable, psi: Complexes) -> Complexes:
    found = np.zeros_like(psi)
    for weight, pauli in observable:
        found += weight * _pauli(pauli, psi)
    return found


def _pauli(string: str, psi: Complexes) -> Complexes:
    source, phase = _action(string)
    moved: Complexes = phase * psi[:, source]
    return moved


@lru_cache(maxsize=1024)
def _action(string: str) -> tuple[Integers, Complexes]:
    """Return a Pauli string as a permutation with phases: new[i] = phase[i] old[source[i]]."""
    letters = list(enumerate(reversed(string)))
    flipped = sum(1 << q for q, letter in letters if letter in "XY")
    signed = sum(1 << q for q, letter in letters if letter in "YZ")
    source = np.arange(2 ** len(string)) ^ flipped
    parity = np.bitwise_count(source & signed) & 1
    return source, 1j ** string.count("Y") * (1.0 - 2.0 * parity)


def _inner(left: Complexes, right: Complexes) -> Complexes:
    """Return <left|right> of each lane, (B,)."""
    found: Complexes = np.einsum("bk,bk->b", left.conj(), right)
    return found
