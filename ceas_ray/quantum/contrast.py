"""The contrast that imperfect pairs leave in the outputs of a circuit whose inputs are teleported, or that is
shared.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ceas_ray.kernel.compiled_code import COMPILED, njit
from ceas_ray.quantum.circuit_values import VariationalCircuit, expectations
from ceas_ray.quantum.gate_circuit import GateCircuit
from ceas_ray.quantum.gate_engine import prepared_states, pulled_back_observables
from ceas_ray.quantum.pauli_engine import LaneInputs, pauli_weights, pulled_back_outputs

Floats = NDArray[np.float64]


def weight_profiles(
    circuit: VariationalCircuit, parameters: Floats, noise: Floats, angles: Sequence[Floats]
) -> list[Floats]:
    """Return p_s, s = 0..n: the share of Pauli weight s in each processor's outputs, each (n + 1,); they sum to 1.
    Ours.

    An output is z = sum_P h_P x_P with h the observable pulled back to the input and x_P the input's coefficients;
    teleportation turns it into sum_P m_|P| h_P x_P. With p_s proportional to the sum of h_P^2 mean(x_P^2) over outputs
    and over P of weight s, the contrast sum_s p_s m_s is the slope of the noisy output against the ideal one (least
    squares, inputs whose distinct coefficients are uncorrelated). The mean runs over the processor's inputs.
    parameters (Q, P), noise (Q, n, 7), angles: one (B, inputs) per processor.
    """
    if isinstance(circuit, GateCircuit):
        pulled = pulled_back_observables(circuit, parameters, noise)
    else:
        pulled = pulled_back_outputs(circuit, parameters, noise)
    profiles = []
    for observables, inputs in zip(pulled, angles, strict=True):
        shares = np.sum(observables**2, axis=0) * _mean_square_of(circuit, inputs)
        profile = np.bincount(pauli_weights(circuit.qubits), weights=shares, minlength=circuit.qubits + 1)
        total = float(np.sum(profile))
        if total == 0.0:
            profile[0] = total = 1.0
        profiles.append(profile / total)
    return profiles


def _mean_square_of(circuit: VariationalCircuit, angles: Floats) -> Floats:
    """Return mean(x_P^2) over inputs (B, inputs), for all 4^n Pauli strings."""
    if isinstance(circuit, GateCircuit):
        return _mean_square_prepared(circuit, angles.tobytes())
    return _mean_square_input(angles.tobytes(), circuit.qubits)


@lru_cache(maxsize=64)
def _mean_square_prepared(circuit: GateCircuit, angles: bytes) -> Floats:
    return np.mean(prepared_states(circuit, np.frombuffer(angles).reshape(-1, circuit.inputs)) ** 2, axis=0)


@lru_cache(maxsize=4096)
def _mean_square_input(angles: bytes, qubits: int) -> Floats:
    """Return mean(x_P^2) over the inputs, for all 4^n Pauli strings; a shard's inputs are the same in every round."""
    x = np.frombuffer(angles).reshape(-1, qubits)
    bloch = np.stack([np.ones_like(x), np.sin(x) * np.cos(x), np.sin(x) ** 2, np.cos(x)])
    squares = np.ones((len(x), 1))
    for q in range(qubits):
        squares = (bloch[:, :, q].T[:, :, None] ** 2 * squares[:, None, :]).reshape(len(x), -1)
    return np.mean(squares, axis=0)


def contrasts_within(
    circuit: VariationalCircuit, parameters: Floats, *, noise: Floats, angles: Sequence[Floats], werner: Floats
) -> Floats:
    """Return the contrast of circuits that spend all their pairs at Werner parameter w, shape (Q,). Ours.

    The slope of the outputs z(w) against those with perfect pairs z(1), by least squares over inputs and outputs:
    sum z(w) z(1) / sum z(1)^2, as of teleported inputs; at least 1e-3, and 1 if all outputs vanish. parameters (Q, P),
    noise (Q, [layers,] n, 7), angles: one (B, n) per processor, werner (Q,).
    """
    count = len(werner)
    pairs = np.concatenate([np.ones(count), werner])[:, None] * np.ones(circuit.pairs_within)
    samples = np.array([len(inputs) for inputs in angles] * 2)
    outputs = expectations(
        circuit,
        LaneInputs(
            angles=np.concatenate([*angles, *angles]),
            parameters=np.concatenate([parameters, parameters]),
            noise=np.concatenate([noise, noise]),
            attenuation=np.ones((2 * count, circuit.qubits + 1)),
            owner=np.repeat(np.arange(2 * count), samples),
            werner=pairs,
        ),
    )
    parts = np.split(outputs, np.cumsum(samples)[:-1])
    slopes = [
        float(np.sum(kept * ideal) / square) if (square := float(np.sum(ideal**2))) > 0 else 1.0
        for ideal, kept in zip(parts[:count], parts[count:], strict=True)
    ]
    return np.maximum(slopes, 1e-3)


def contrast(profile: Floats, attenuation: Floats) -> float:
    """Return lambda = sum_s p_s m_s. profile: p (n + 1,); attenuation: m (n + 1,), by Pauli weight s = 0..n."""
    return float(np.sum(profile * attenuation))


def attenuation_of_pairs(werner: Floats) -> Floats:
    """Return m_s, s = 0..n, from the Werner parameters of each shot's pairs, shape (shots, n).

    Pairs go to qubits by a random permutation, so a coefficient of weight s is multiplied on average by
    e_s(w_1..w_n) / C(n, s), e_s the elementary symmetric polynomial; m_s is its mean over the shots.
    """
    shots, n = werner.shape
    counts = np.array([math.comb(n, s) for s in range(n + 1)])
    return _sum_of_symmetric_polynomials(werner) / shots / counts


@njit(**COMPILED | {"fastmath": False})
def _sum_of_symmetric_polynomials(werner):  # type: ignore[no-untyped-def]
    """Return e_s(w_1..w_n), s = 0..n, summed over the shots, each multiplied and added as NumPy does."""
    shots, n = werner.shape
    total, of_shot = np.zeros(n + 1), np.zeros(n + 1)
    for i in range(shots):
        of_shot[:] = 0.0
        of_shot[0] = 1.0
        for k in range(n):
            for s in range(k + 1, 0, -1):
                of_shot[s] += werner[i, k] * of_shot[s - 1]
        total += of_shot
    return total
