"""Random circuits, and a slow second opinion: one noisy circuit by Kraus operators on the full density matrix."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from ceas_ray.quantum.circuit import RY, Circuit
from ceas_ray.quantum.gate_noise import Noise
from ceas_ray.quantum.pauli_engine import LaneInputs

PAULIS = [np.eye(2), np.array([[0, 1], [1, 0]]), np.array([[0, -1j], [1j, 0]]), np.diag([1, -1])]


@st.composite
def circuits(draw: Any, least: int = 2, most: int = 5) -> Circuit:
    """Every kind of circuit, cut and teleported ones included."""
    qubits, reuploaded = draw(st.integers(least, most)), draw(st.booleans())
    return Circuit(
        qubits,
        layers=3,
        outputs=draw(st.integers(1, qubits)),
        entangler=draw(st.sampled_from(["cx", "cz"])),
        reuploaded=reuploaded,
        ansatz=draw(st.sampled_from(["ring", "hardware_efficient", "strongly_entangling"])),
        parts=draw(st.sampled_from([(), tuple(2 * q // qubits for q in range(qubits))])),
        teleported_before=draw(st.sampled_from([(), (1, 2), (2,) if reuploaded else (0, 2)])),
    )


def problem(circuit: Circuit, seed: int, processors: int = 2, lanes: int = 4, by_layer: bool = False) -> dict[str, Any]:
    """Return inputs of lanes, by name, and a cotangent."""
    draw = np.random.default_rng(seed)
    per = (processors, circuit.layers) if by_layer else (processors,)
    return {
        "angles": draw.uniform(-2, 2, (lanes, circuit.qubits)),
        "parameters": draw.uniform(-np.pi, np.pi, (processors, circuit.parameter_count)),
        "noise": draw.uniform(0, 0.2, (*per, circuit.qubits, len(Noise))),
        "attenuation": draw.uniform(0.4, 1, (processors, 1)) ** np.arange(circuit.qubits + 1),
        "owner": draw.integers(0, processors, lanes),
        "cotangent": draw.normal(size=(lanes, circuit.outputs)),
        "werner": draw.uniform(0.5, 1, (processors, circuit.pairs_within)),
    }


def inputs_of(arguments: dict[str, Any]) -> LaneInputs:
    """Return the inputs of the lanes of a problem."""
    return LaneInputs(**{name: value for name, value in arguments.items() if name != "cotangent"})


def values_by_matrices(circuit: Circuit, angles: Any, theta: Any, noise: Any, werner: Any, state: Any = None) -> Any:
    """<Z_k> of one lane, (outputs,); noise (layers, n, 7). Inputs that are encoded once are perfect.

    state: an input (2^n,) in place of the encoded one.
    """
    n = circuit.qubits

    def on(matrix: Any, qubit: int) -> Any:
        return np.kron(np.kron(np.eye(2 ** (n - 1 - qubit)), matrix), np.eye(2**qubit))

    def channel(rho: Any, kraus: list[Any]) -> Any:
        return sum(k @ rho @ k.conj().T for k in kraus)

    def depolarized(rho: Any, p: float, qubits: list[int]) -> Any:
        errors = [np.eye(2**n)]
        for q in qubits:
            errors = [e @ on(pauli, q) for e in errors for pauli in PAULIS]
        return (1 - p) * rho + p * channel(rho, errors) / len(errors)

    def relaxed(rho: Any, gamma: float, dephasing: float, qubit: int) -> Any:
        one, two = np.diag([1, np.sqrt(1 - gamma)]), np.array([[0, np.sqrt(gamma)], [0, 0]])
        rho = channel(rho, [on(one, qubit), on(two, qubit)])
        return (1 - dephasing / 2) * rho + dephasing / 2 * channel(rho, [on(PAULIS[3], qubit)])

    def rotated(rho: Any, axis: int, angle: float, qubit: int, figures: Any) -> Any:
        generator = PAULIS[2] if axis == RY else PAULIS[3]
        gate = on(np.cos(angle / 2) * np.eye(2) - 1j * np.sin(angle / 2) * generator, qubit)
        rho = depolarized(gate @ rho @ gate.conj().T, figures[Noise.ONE_QUBIT_DEPOLARIZING], [qubit])
        return relaxed(rho, figures[Noise.ONE_QUBIT_DAMPING], figures[Noise.ONE_QUBIT_DEPHASING], qubit)

    rho = np.zeros((2**n, 2**n), complex)
    rho[0, 0] = 1
    if state is not None:
        rho = np.outer(state, state.conj())
    turns = list(np.ravel(theta))
    pairs = list(werner)
    for layer in range(circuit.layers):
        if layer == 0 and not circuit.reuploaded and state is None:
            for q in range(n):
                rho = rotated(rotated(rho, 0, angles[q], q, np.zeros(7)), 1, angles[q], q, np.zeros(7))
        for q in range(n):
            if layer in circuit.teleported_before:
                rho = depolarized(rho, 1 - pairs.pop(0), [q])
        for q in range(n):
            if circuit.reuploaded:
                for axis in (0, 1):
                    rho = rotated(rho, axis, angles[q], q, noise[layer, q])
            for axis in circuit.rotations:
                rho = rotated(rho, axis, turns.pop(0), q, noise[layer, q])
        for control, target in circuit.gates[layer]:
            flip = PAULIS[1] if circuit.entangler == "cx" else PAULIS[3]
            gate = on(np.diag([1, 0]), control) + on(np.diag([0, 1]), control) @ on(flip, target)
            rho = gate @ rho @ gate.conj().T
            if circuit.is_remote((control, target)):
                wrong = (1 - pairs.pop(0)) / 4
                z, t = on(PAULIS[3], control), on(flip, target)
                rho = (1 - 3 * wrong) * rho + wrong * channel(rho, [z, t, z @ t])
            rho = depolarized(rho, noise[layer, control, Noise.TWO_QUBIT_DEPOLARIZING], [control, target])
            for q in (control, target):
                figures = noise[layer, q]
                rho = relaxed(rho, figures[Noise.TWO_QUBIT_DAMPING], figures[Noise.TWO_QUBIT_DEPHASING], q)
    return np.array([np.trace(on(PAULIS[3], k) @ rho).real for k in range(circuit.outputs)])
