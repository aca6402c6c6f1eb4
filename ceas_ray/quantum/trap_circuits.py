"""Trap circuits, whose answers the hub alone knows: inputs U(theta)^dagger |b> in place of data. Ours."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ceas_ray.quantum.circuit import Circuit
from ceas_ray.quantum.error_rate_bound import error_rate_bound
from ceas_ray.quantum.estimator import UNSHIFTED
from ceas_ray.quantum.gate_circuit import GateCircuit
from ceas_ray.quantum.gate_engine import pulled_back_observables
from ceas_ray.quantum.gate_noise import noiseless
from ceas_ray.quantum.pauli_engine import pauli_weights, pulled_back_outputs

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


def answer_contrasts(
    circuit: Circuit, parameters: Floats, *, noise: Floats, attenuation: Floats, visibility: Floats
) -> Floats:
    """Return the mean of (-1)^b_k z_k over all bit strings b, for each output k: shape (Q, K), in [-1, 1].

    The input U^dagger |b> has Pauli coefficients x_P(b), and the mean of (-1)^b_k x_P(b) is tr(P U^dagger Z_k U) / 2^n
    = h_kP: the coefficient of the noiseless output pulled back to the input. The noisy output is sum_P h'_kP m_|P| x_P,
    so the mean is sum_P h'_kP h_kP m_|P|; readout multiplies it by the output's visibility.
    An answer is wrong with probability (1 - its contrast) / 2.

    For inputs that are encoded once. parameters (Q, P), noise (Q, n, 7), attenuation (Q, n + 1): m_s of teleportation,
    visibility (Q, K): 1 - 2 r.
    """
    ideal = pulled_back_outputs(circuit, parameters, noiseless(len(parameters), circuit.qubits))
    real = pulled_back_outputs(circuit, parameters, noise)
    kept = attenuation[:, None, pauli_weights(circuit.qubits)]
    return visibility * np.sum(ideal * real * kept, axis=2)


def own_answer_contrasts(
    circuit: GateCircuit, parameters: Floats, shifts: Floats, *, noise: Floats, attenuation: Floats
) -> Floats:
    """Return what `answer_contrasts` returns, for a circuit of the user's own and with readout: shape (Q, K).

    A trap of a Pauli string S has an eigenstate of S in place of |b>, with a random eigenvalue; its mean is then
    tr(P U^dagger S U) / 2^n in the same way. An observable of several strings is measured by one of them a shot, drawn
    by the size of its weight. parameters (Q, P), shifts (Q, R): of the angles that shift, rad; noise (Q, n, 7),
    attenuation (Q, n + 1).
    """
    terms = [term for observable in circuit.observables for term in observable]
    by_term = replace(circuit, observables=tuple(((1.0, pauli),) for _, pauli in terms))
    perfect = noiseless(len(parameters), circuit.qubits)
    ideal = pulled_back_observables(by_term, parameters, perfect, shifts)
    real = pulled_back_observables(by_term, parameters, noise, shifts)
    kept = attenuation[:, None, pauli_weights(circuit.qubits)]
    contrasts = np.sum(ideal * real * kept, axis=2) * np.abs([weight for weight, _ in terms])
    starts = np.cumsum([0, *(len(observable) for observable in circuit.observables)])[:-1]
    return np.add.reduceat(contrasts, starts, axis=1) / circuit.scales


def asked_count(circuits: int, share: float) -> int:
    """Return how many of a round's circuits are trap circuits."""
    return round(share * circuits)


def asked_circuits(circuits: int, share: float, generator: np.random.Generator) -> NDArray[np.bool_]:
    """Draw which of the circuits are trap circuits, in random places: bool (circuits,)."""
    asked = np.zeros(circuits, bool)
    asked[generator.permutation(circuits)[: asked_count(circuits, share)]] = True
    return asked


def drawn_settings(
    count: int, unshifted_share: float, parameters: int, generator: np.random.Generator
) -> tuple[Integers, Floats]:
    """Return which parameter each asked circuit shifts (or UNSHIFTED), and by which sign, as the circuits of data
    do."""
    parameter = generator.integers(parameters, size=count)
    sign = np.where(generator.random(count) < 0.5, 1.0, -1.0)
    shifted = generator.random(count) >= unshifted_share
    return np.where(shifted, parameter, UNSHIFTED), np.where(shifted, sign, 0.0)


def certified_answer_contrast(asked: Floats, wrong: Floats, confidence: float) -> Floats:
    """Return a one-sided lower bound of the mean contrast of answers, 1 - 2 e; at least 0, and 0 where nothing was
    asked.

    asked, wrong: numbers of answers, of any one shape, which is that of the bound. e is the upper bound of the error
    rate, see `error_rate_bound`.
    """
    upper = error_rate_bound(asked, wrong, confidence)
    return np.maximum(0.0, 1 - 2 * upper)
