"""The exact engine: density matrices in the Pauli basis, reverse mode, many processors' samples side by side.

A state is its 4^n expectation values of Pauli strings; gates and channels are real linear maps on them. Samples
("lanes") lie in the innermost axis, as many as a vector register holds, each with the parameters and the noise of its
own processor. No lane ever sees another, so results do not depend on what is packed together or on how many threads
compute. `pauli_kernels` holds the compiled passes.

Derivatives: with R(theta) = A + B cos(theta) + C sin(theta) for each rotation, z(theta +- pi/2) = z + z'' +- z' holds
exactly, and one backward pass gives z' and z'' of every parameter.
"""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ceas_ray.quantum import pauli_kernels, pauli_maps, pauli_tiles
from ceas_ray.quantum.circuit import Circuit
from ceas_ray.quantum.gate_noise import Noise
from ceas_ray.quantum.lanes import LANE_BYTES, aligned_rows, lane_count
from ceas_ray.quantum.shaped_arrays import shaped
from ceas_ray.quantum.threads import in_blocks

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

KEPT_BYTES = 64 * 2**20
"""Memory for the states of a forward pass; larger circuits keep one state per layer and run each layer twice."""


class ShiftedValues(NamedTuple):
    """z(theta_i +- pi/2) = value + second_i +- first_i. Shapes (B,), (B, P), (B, P)."""

    value: Floats
    first: Floats
    second: Floats


class Derivatives(NamedTuple):
    """values of all outputs (B, K); first and second derivatives of sum_k cotangent_k z_k, (B, P) each."""

    values: Floats
    first: Floats
    second: Floats


class LaneInputs(NamedTuple):
    """The inputs of a circuit: samples ("lanes"), each with the parameters and the noise of its own processor.

    angles: encoding angles (B, n), rad. Per processor: parameters (Q, P), rad; noise (Q, n, 7) or, where layers run on
    different hardware, (Q, layers or 1, n, 7) (`Noise`); attenuation (Q, n + 1): attenuation[s] multiplies every input
    Pauli coefficient of weight s (teleported inputs only). owner (B,): the lane's processor. werner (Q, places): of the
    Bell pairs inside the circuit, in the order of `Circuit.places` (None: perfect ones).
    """

    angles: Floats
    parameters: Floats
    noise: Floats
    attenuation: Floats
    owner: Integers
    werner: Floats | None = None


def reverse_mode(
    circuit: Circuit, inputs: LaneInputs, cotangent: Floats, *,
    second: bool = False, threads: int = 1, dtype: type = np.float64,
) -> Derivatives:  # fmt: skip
    """Return all outputs of each lane, and derivatives of any combination of them by every parameter, from one pass.

    cotangent (B, K): the combination. Without readout error. `second` is empty unless asked for. Raises ValueError for
    wrong shapes.
    """
    problem = _Problem(circuit, inputs, dtype)
    values = np.empty((problem.lanes, circuit.outputs))
    first = np.empty((problem.lanes, circuit.parameter_count))
    found = Derivatives(values, first, np.empty_like(first) if second else first[:0])
    gates, size = len(circuit.gates[0]), 4**circuit.qubits
    kept = circuit.layers * gates * size * LANE_BYTES <= KEPT_BYTES
    rows = pauli_kernels.workspace_rows(circuit.layers, gates, size, kept)
    cotangent = shaped("cotangent", cotangent, values.shape)
    in_blocks(
        lambda block, step: pauli_kernels.reverse_mode(
            problem.arguments, cotangent, block, step, kept, problem.empty, aligned_rows(rows, dtype), found
        ),
        threads,
    )
    return found


def shifted_values(circuit: Circuit, inputs: LaneInputs, output: Integers, *, threads: int = 1) -> ShiftedValues:
    """Return one output of each lane, output (B,): k of its <Z_k>, and its derivatives by every parameter."""
    one = (np.arange(circuit.outputs) == np.asarray(output)[:, None]).astype(np.float64)
    values, first, second = reverse_mode(circuit, inputs, one, second=True, threads=threads)
    return ShiftedValues(np.take_along_axis(values, np.asarray(output)[:, None], axis=1)[:, 0], first, second)


def expectations(circuit: Circuit, inputs: LaneInputs, *, threads: int = 1, dtype: type = np.float64) -> Floats:
    """Return all outputs <Z_k> of each lane from one forward pass, shape (B, outputs)."""
    problem = _Problem(circuit, inputs, dtype)
    values = np.empty((problem.lanes, circuit.outputs))
    in_blocks(lambda block, step: pauli_kernels.forward(problem.arguments, block, step, problem.empty, values), threads)
    return values


def pulled_back_outputs(circuit: Circuit, parameters: Floats, noise: Floats, werner: Floats | None = None) -> Floats:
    """Return the outputs' observables pulled back to the encoded input: z_k = sum_P h_kP <P>, shape (Q, outputs, 4^n).

    For inputs that are encoded once (ValueError otherwise). parameters (Q, P), noise and werner as in `LaneInputs`.
    """
    if circuit.reuploaded:
        raise ValueError("an observable can be pulled back to the input only when inputs are encoded once")
    processors, outputs = len(parameters), circuit.outputs
    lanes = np.zeros((processors * outputs, circuit.qubits))
    perfect, owner = np.ones((processors, circuit.qubits + 1)), np.repeat(np.arange(processors), outputs)
    problem = _Problem(circuit, LaneInputs(lanes, parameters, noise, perfect, owner, werner), np.float64)
    pulled = np.empty((processors * outputs, 4**circuit.qubits))
    each = np.ascontiguousarray(np.tile(np.eye(outputs), (processors, 1)))
    pauli_kernels.pull_back(problem.arguments, each, problem.empty, pulled)
    return pulled.reshape(processors, outputs, -1)


@cache
def pauli_weights(qubits: int) -> Integers:
    """Return the number of non-identity factors of each Pauli string, (4^n,)."""
    digits = np.arange(4**qubits)[:, None] // 4 ** np.arange(qubits) % 4
    return np.count_nonzero(digits, axis=1)


class _Problem:
    """Checked inputs, and what is computed once per processor, as the kernels take them."""

    def __init__(self, circuit: Circuit, inputs: LaneInputs, dtype: type) -> None:
        angles, parameters, noise, attenuation, owner, werner = inputs
        n, layers, processors = circuit.qubits, circuit.layers, len(parameters)
        self.lanes = len(owner)
        self.empty: NDArray[Any] = np.empty((0, lane_count(dtype)), dtype)
        noise = self._noise(noise, processors, circuit)
        hops, pairs = self._pairs(circuit, processors, werner)
        shape = _shape(circuit)
        turns = shaped("parameters", parameters, (processors, circuit.parameter_count))
        turns = turns.reshape(processors, layers, n, -1)
        rotations = np.empty((processors, layers, n, 1 + 2 * len(circuit.rotations), 12))
        pauli_maps.rotation_maps(np.array(circuit.rotations), turns, noise, rotations)
        rows = np.empty((processors, layers, shape.gates.shape[1], pauli_tiles.GATE_NOISE_ROWS))
        pauli_maps.gate_noise(shape.gates, shape.attenuated, noise, pairs, rows)
        self.arguments = pauli_kernels.Problem(
            gates=shape.gates,
            strides=4 ** np.arange(n),
            weights=pauli_weights(n),
            is_cz=circuit.entangler == "cz",
            reuploaded=circuit.reuploaded,
            hops=hops,
            angles=shaped("angles", angles, (self.lanes, n)),
            noise=noise,
            attenuation=shaped("attenuation", attenuation, (processors, n + 1)),
            owner=np.ascontiguousarray(owner, np.int64),
            rotations=rotations,
            gate_rows=rows,
        )

    def _noise(self, noise: Floats, processors: int, circuit: Circuit) -> Floats:
        """Return the noise of every processor and layer, (Q, L, n, 7)."""
        noise = np.asarray(noise, np.float64)
        if noise.ndim == 3:
            noise = shaped("noise", noise, (processors, circuit.qubits, len(Noise)))[:, None]
        if noise.ndim == 4 and noise.shape[1] == 1:
            noise = np.repeat(noise, circuit.layers, axis=1)
        return shaped("noise", noise, (processors, circuit.layers, circuit.qubits, len(Noise)))

    def _pairs(self, circuit: Circuit, processors: int, werner: Floats | None) -> tuple[Floats, Floats]:
        """Return the Werner parameters of teleportations (Q, L, n) and of gates (Q, L, G), 1 where there is no pair."""
        places = circuit.places
        wanted = (processors, len(places))
        given = shaped("werner", np.ones(wanted) if werner is None else werner, wanted)
        hops = np.ones((processors, circuit.layers, circuit.qubits))
        pairs = np.ones((processors, circuit.layers, len(circuit.gates[0])))
        for column, place in enumerate(places):
            if place.gate is None:
                hops[:, place.layer, place.qubit] = given[:, column]
            else:
                pairs[:, place.layer, place.gate] = given[:, column]
        return hops, pairs


class _Shape(NamedTuple):
    """gates (L, G, 4): control, target, whether the layer meets each here first; attenuated (16,): by a pair."""

    gates: Integers
    attenuated: NDArray[np.bool_]


@cache
def _shape(circuit: Circuit) -> _Shape:
    gates = []
    for pairs in circuit.gates:
        met: set[int] = set()
        for control, target in pairs:
            gates.append((control, target, control not in met, target not in met))
            met |= {control, target}
    table = np.array(gates, np.int64).reshape(circuit.layers, -1, 4)
    return _Shape(table, np.array([_is_attenuated(circuit.entangler, p) for p in range(16)]))


def _is_attenuated(entangler: str, pauli: int) -> bool:
    """Decide whether errors Z_c, X_t, Z_c X_t (CZ: Z_c, Z_t, Z_c Z_t) with (1 - F)/3 each attenuate these Paulis.

    Two of the three anticommute with it, or none: the factor is 1 - 4 (1 - F)/3 = w, or 1.
    """
    control, target = divmod(pauli, 4)
    commuting_target = (0, 1) if entangler == "cx" else (0, 3)
    return control not in (0, 3) or target not in commuting_target
