"""The exact engine without noise: state vectors, reverse mode, many samples side by side.

Samples lie in the innermost axis as in `pauli_engine`. The rotations of a qubit in a layer, with the encoding before
them, are one matrix of SU(2), kept as (Re a, Im a, Re b, Im b) of [[a, -b*], [b, a*]]. Nothing is stored on the way:
the backward pass undoes the gates on the state psi and on lambda = O psi alike. A rotation exp(-i theta P / 2) that is
followed by rotations V of the same qubit has dz/dtheta = Im <lambda| V P V^-1 |psi> (taken after V), and V P V^-1 is
n . (X, Y, Z) with a unit vector n that depends on angles alone.
"""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ceas_ray.quantum import state_vector_kernels
from ceas_ray.quantum.circuit import Circuit
from ceas_ray.quantum.lanes import lane_count
from ceas_ray.quantum.shaped_arrays import shaped
from ceas_ray.quantum.threads import in_blocks

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


class Derivatives(NamedTuple):
    """values of all outputs (B, K); first derivatives of sum_k cotangent_k z_k, (B, P)."""

    values: Floats
    first: Floats


def reverse_mode(
    circuit: Circuit,
    angles: Floats,
    parameters: Floats,
    *,
    owner: Integers,
    cotangent: Floats,
    threads: int = 1,
    dtype: type = np.float64,
) -> Derivatives:
    """Return all outputs of each lane, and the derivative of any combination of them by every parameter, without noise.

    angles: encoding angles (B, n), rad; parameters (Q, P) per processor; owner (B,): the lane's processor; cotangent
    (B, K): the combination. Pairs inside the circuit are perfect. Raises ValueError for wrong shapes.
    """
    found = Derivatives(_outputs(circuit, owner), np.empty((len(owner), circuit.parameter_count)))
    _run(circuit, angles, parameters, owner, cotangent=cotangent, found=found, threads=threads, dtype=dtype)
    return found


def expectations(
    circuit: Circuit,
    angles: Floats,
    parameters: Floats,
    owner: Integers,
    *,
    threads: int = 1,
    dtype: type = np.float64,
) -> Floats:
    """Return all outputs <Z_k> of each lane, shape (B, outputs); arguments as `reverse_mode`."""
    values = _outputs(circuit, owner)
    found, none = Derivatives(values, np.empty((0, circuit.parameter_count))), np.zeros_like(values)
    _run(circuit, angles, parameters, owner, cotangent=none, found=found, threads=threads, dtype=dtype)
    return values


def _outputs(circuit: Circuit, owner: Integers) -> Floats:
    return np.empty((len(owner), circuit.outputs))


def _run(
    circuit: Circuit, angles: Floats, parameters: Floats, owner: Integers, *,
    cotangent: Floats, found: Derivatives, threads: int, dtype: type,
) -> None:  # fmt: skip
    """Fill `found`; its first derivatives only if they have rows."""
    lanes, processors, n = len(owner), len(parameters), circuit.qubits
    angles = shaped("angles", angles, (lanes, n))
    parameters = shaped("parameters", parameters, (processors, circuit.parameter_count))
    cotangent = shaped("cotangent", cotangent, found.values.shape)
    rotations = len(circuit.rotations)
    turns = np.empty((processors, circuit.layers, n, 4))
    generators = np.empty((processors, circuit.layers, n, rotations, 3))
    state_vector_kernels.rotation_matrices(
        np.array(circuit.rotations),
        parameters.reshape(processors, circuit.layers, n, rotations),
        turns,
        generators,
    )
    empty: NDArray[Any] = np.empty((0, lane_count(dtype)), dtype)
    source, sign = _entanglers(circuit)
    problem = state_vector_kernels.Problem(
        source=source,
        sign=sign,
        reuploaded=circuit.reuploaded,
        angles=angles,
        owner=np.ascontiguousarray(owner, np.int64),
        turns=turns,
        generators=generators,
        cotangent=cotangent,
    )
    in_blocks(
        lambda block, step: state_vector_kernels.reverse_mode(problem, block, step, empty, found),
        threads,
    )


@cache
def _entanglers(circuit: Circuit) -> tuple[Integers, Floats]:
    """Return each layer's gates as a signed permutation: new[i] = sign[layer, i] old[source[layer, i]], (L, 2^n)
    each."""
    index = np.arange(2**circuit.qubits)
    source, sign = np.tile(index, (circuit.layers, 1)), np.ones((circuit.layers, len(index)))
    for layer, gates in enumerate(circuit.gates):
        for control, target in gates:
            on = (index >> control) & 1
            if circuit.entangler == "cx":
                source[layer] = source[layer][index ^ (on << target)]
            else:
                sign[layer] *= 1 - 2 * (on & (index >> target) & 1)
    return source, sign
