"""Noise of a processor's gates and readout, per qubit."""

from __future__ import annotations

from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


class Noise(IntEnum):
    """Columns of an array of noise, shape (processors, qubits, 7); all are probabilities or strengths in [0, 1].

    After every one-qubit gate: depolarizing p (rho -> (1 - p) rho + p I/2), then amplitude damping gamma, then
    dephasing lambda (coherences times 1 - lambda, that is a phase flip with probability lambda / 2). After every
    entangling gate: depolarizing p of both qubits (its control's figure), then damping and dephasing of each qubit.
    READOUT: the probability that a measured bit is flipped.
    """

    ONE_QUBIT_DEPOLARIZING = 0
    ONE_QUBIT_DAMPING = 1
    ONE_QUBIT_DEPHASING = 2
    TWO_QUBIT_DEPOLARIZING = 3
    TWO_QUBIT_DAMPING = 4
    TWO_QUBIT_DEPHASING = 5
    READOUT = 6


def noiseless(processors: int, qubits: int) -> Floats:
    """Return the figures of perfect gates, shape (processors, qubits, 7)."""
    return np.zeros((processors, qubits, len(Noise)))


def thermal_relaxation(gate_seconds: Floats, t1_seconds: Floats, t2_seconds: Floats) -> tuple[Floats, Floats]:
    """Return (damping, dephasing) of a gate that lasts `gate_seconds` on qubits that relax to |0>; T2 at most 2 T1.

    Populations relax as exp(-t/T1), coherences as exp(-t/T2) = sqrt(1 - damping) (1 - dephasing) (Nielsen and Chuang,
    8.3.5). Raises ValueError for times that no qubit can have.
    """
    t, t1, t2 = np.broadcast_arrays(gate_seconds, t1_seconds, t2_seconds)
    if not (np.all(t >= 0) and np.all(t1 > 0) and np.all(t2 > 0) and np.all(t2 <= 2 * t1 * (1 + 1e-12))):
        raise ValueError("gate times must not be negative, T1 and T2 positive, and T2 at most 2 T1")
    return -np.expm1(-t / t1), -np.expm1(np.minimum(0.0, t / (2 * t1) - t / t2))


def visibility(noise: Floats, outputs: int) -> Floats:
    """Return the factor 1 - 2 r that readout errors leave of each of the first outputs <Z_k>, shape (outputs,).

    noise: ([layers,] n, 7). Where layers run on different hardware, the last layer's counts.
    """
    flips = noise[..., Noise.READOUT].reshape(-1, noise.shape[-2])[-1]
    return 1 - 2 * flips[:outputs]
