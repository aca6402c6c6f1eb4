"""Exact values of a circuit, by the engine for its type."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ceas_ray.quantum import gate_engine, gate_state_vectors, pauli_engine, state_vector_engine
from ceas_ray.quantum.circuit import Circuit
from ceas_ray.quantum.gate_circuit import GateCircuit
from ceas_ray.quantum.gate_noise import visibility
from ceas_ray.quantum.pauli_engine import LaneInputs, ShiftedValues
from ceas_ray.quantum.state_vector_engine import Derivatives

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

MAX_NOISY_QUBITS = 10
"""Of circuits of the user's own: density matrices have 4^n numbers, state vectors, without noise, 2^n."""

VariationalCircuit = Circuit | GateCircuit
"""One of this package, in layers, or the user's own, gate by gate."""


def shifted_values(
    circuit: VariationalCircuit, inputs: LaneInputs, output: Integers, *, threads: int = 1
) -> ShiftedValues:
    """Return one output of each lane, output (B,), and its derivatives by every angle that shifts, (B, R).

    Circuits of the user's own with more than 10 qubits must be without noise of gates, and not spend pairs.
    """
    if not isinstance(circuit, GateCircuit):
        return pauli_engine.shifted_values(circuit, inputs, output, threads=threads)
    engine = gate_engine if circuit.qubits <= MAX_NOISY_QUBITS else gate_state_vectors
    return engine.shifted_values(circuit, inputs, output, threads=threads)


def expectations(circuit: VariationalCircuit, inputs: LaneInputs) -> Floats:
    """Return all outputs of each lane, (B, K); those of a circuit of the user's own with readout errors."""
    engine = gate_engine.expectations if isinstance(circuit, GateCircuit) else pauli_engine.expectations
    return engine(circuit, inputs)  # type: ignore[arg-type]


def ideal_expectations(circuit: VariationalCircuit, angles: Floats, parameters: Floats, owner: Integers) -> Floats:
    """Return all outputs of each lane without noise, shape (B, K).

    angles (B, inputs), rad; parameters (Q, P) per processor; owner (B,): the lane's processor.
    """
    if isinstance(circuit, GateCircuit):
        return gate_state_vectors.expectations(circuit, angles, parameters, owner)
    return state_vector_engine.expectations(circuit, angles, parameters, owner)


def ideal_derivatives(
    circuit: VariationalCircuit, angles: Floats, parameters: Floats, *, owner: Integers, cotangent: Floats
) -> Derivatives:
    """Return all outputs of each lane without noise, and derivatives of sum_k cotangent_k z_k by every parameter.

    cotangent (B, K); the other arguments as `ideal_expectations`.
    """
    if isinstance(circuit, GateCircuit):
        return gate_state_vectors.reverse_mode(circuit, angles, parameters, owner=owner, cotangent=cotangent)
    return state_vector_engine.reverse_mode(circuit, angles, parameters, owner=owner, cotangent=cotangent)


def outcome_visibility(circuit: VariationalCircuit, noise: Floats) -> Floats:
    """Return the ratio of the mean outcome (+-1) to the exact value, for each output (K,); noise ([layers,] n, 7).

    Values of a circuit of the user's own have readout errors in them; they are as large as their scale.
    """
    return 1 / circuit.scales if isinstance(circuit, GateCircuit) else visibility(noise, circuit.outputs)
