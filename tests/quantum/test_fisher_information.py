"""Quantum Fisher information against fidelities, closed forms and itself."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ceas_ray.quantum import fisher_information
from ceas_ray.quantum.circuit import Circuit
from ceas_ray.quantum.fisher_information import (
    globally_depolarized,
    mixed,
    pure_diagonal,
    pure_full,
    state_and_tangents,
)
from ceas_ray.quantum.gate_circuit import Entangler, GateCircuit, Rotation, Term
from tests.quantum.state_vectors import state
from tests.quantum.test_gate_engine import drawn as drawn_gates
from tests.quantum.test_gate_engine import layered

CIRCUITS = [
    Circuit(n, 2, 1, entangler=entangler, reuploaded=reuploaded, ansatz=ansatz)
    for n, entangler, reuploaded, ansatz in product(
        (2, 4), ("cx", "cz"), (False, True), ("ring", "hardware_efficient", "strongly_entangling")
    )
]


def drawn(circuit: Circuit, samples: int = 2) -> tuple[np.ndarray, np.ndarray]:
    draw = np.random.default_rng(circuit.qubits)
    return draw.uniform(-1.5, 1.5, (samples, circuit.qubits)), draw.uniform(-3, 3, circuit.parameter_count)


@pytest.mark.parametrize("circuit", CIRCUITS, ids=repr)
def test_states_and_tangents_are_those_of_whole_matrices(circuit: Circuit) -> None:
    angles, parameters = drawn(circuit)
    psi, tangents = state_and_tangents(circuit, angles, parameters)
    for b, sample in enumerate(angles):
        np.testing.assert_allclose(psi[b], state(circuit, sample, parameters), atol=1e-13)
        for i, shift in enumerate(np.pi * np.eye(len(parameters))):  # exp(-i (t + pi) G / 2) = -i G exp(-i t G / 2)
            np.testing.assert_allclose(tangents[b, i], state(circuit, sample, parameters + shift) / 2, atol=1e-13)


@pytest.mark.parametrize("circuit", CIRCUITS, ids=repr)
def test_it_is_the_curvature_of_the_fidelity(circuit: Circuit) -> None:
    angles, parameters = drawn(circuit, samples=1)
    here, step = state(circuit, angles[0], parameters), 1e-2
    (information,) = pure_full(circuit, angles, parameters)

    def lost(direction: np.ndarray) -> float:
        """The coefficient of h^2 in 4 (1 - fidelity), the terms of h^4 cancelled."""
        values = []
        for h in (step, 2 * step):
            both = [abs(here.conj() @ state(circuit, angles[0], parameters + s * h * direction)) ** 2 for s in (1, -1)]
            values.append(2 * (2 - sum(both)) / h**2)
        return (4 * values[0] - values[1]) / 3

    for direction in np.random.default_rng(3).normal(size=(4, len(parameters))):
        unit = direction / np.linalg.norm(direction)
        assert lost(unit) == pytest.approx(unit @ information @ unit, abs=1e-6)


@pytest.mark.parametrize("circuit", CIRCUITS, ids=repr)
def test_the_diagonal_is_that_of_the_full_matrix_which_is_a_metric(circuit: Circuit) -> None:
    angles, parameters = drawn(circuit, samples=5)
    full = pure_full(circuit, angles, parameters)
    np.testing.assert_allclose(pure_diagonal(circuit, angles, parameters), np.einsum("bii->bi", full), atol=1e-12)
    np.testing.assert_allclose(full, full.transpose(0, 2, 1), atol=1e-12)
    assert np.linalg.eigvalsh(full).min() > -1e-12
    assert np.einsum("bii->bi", full).max() <= 1 + 1e-12


def test_one_rotation_has_its_closed_form() -> None:
    """RY(x) RZ(x) then RY(a) RZ(b): F_aa = 1 - <Y>^2 = 1 - sin^4 x, F_bb = 1 - <Z>^2 = 1 - cos^2(polar angle)."""
    circuit, x, a = Circuit(2, 1, 1), 0.7, 0.4
    diagonal = pure_diagonal(circuit, np.full((1, 2), x), np.array([a, 0.3, 0.0, 0.0]))[0]
    height = np.cos(a) * np.cos(x) - np.sin(a) * np.sin(x) * np.cos(x)
    assert diagonal[0] == pytest.approx(1 - np.sin(x) ** 4)
    assert diagonal[1] == pytest.approx(1 - height**2)


@pytest.mark.parametrize("circuit", [c for c in CIRCUITS if c.qubits == 2], ids=repr)
@pytest.mark.parametrize("contrast", [1.0, 0.8, 0.5, 0.1])
def test_mixed_pure_and_depolarized_agree(circuit: Circuit, contrast: float) -> None:
    angles, parameters = drawn(circuit, samples=1)
    (psi,), (tangents,) = state_and_tangents(circuit, angles, parameters)
    derivatives = np.einsum("ia,b->iab", tangents, psi.conj())
    derivatives = contrast * (derivatives + derivatives.conj().transpose(0, 2, 1))
    depolarized = contrast * np.outer(psi, psi.conj()) + (1 - contrast) * np.eye(4) / 4
    (pure,) = pure_full(circuit, angles, parameters)
    expected = globally_depolarized(pure, contrast, 2)
    np.testing.assert_allclose(mixed(depolarized, derivatives), expected, atol=1e-10)


def test_a_thermal_qubit_has_its_closed_form() -> None:
    """Bloch vector of length r turned by theta: F = r^2; its length by r: F = 1 / (1 - r^2)."""
    r, x, z = 0.6, np.array([[0, 1], [1, 0]]), np.diag([1, -1])
    rho = (np.eye(2) + r * z) / 2
    np.testing.assert_allclose(mixed(rho + 0j, np.array([r * x, z]) / 2 + 0j), np.diag([r**2, 1 / (1 - r**2)]))


def test_mixed_is_the_curvature_of_the_mixed_states_fidelity() -> None:
    """4 (1 - F)/h^2, F = (tr sqrt(sqrt(a) b sqrt(a)))^2, for noise that is not global: a rotation, then damping."""
    draw = np.random.default_rng(1)
    matrix = draw.normal(size=(4, 4)) + 1j * draw.normal(size=(4, 4))
    start = matrix @ matrix.conj().T / np.trace(matrix @ matrix.conj().T).real
    generator = np.kron(np.diag([1, -1]), np.array([[0, -1j], [1j, 0]]))
    damping = [np.diag([1, np.sqrt(0.7)]), np.array([[0, np.sqrt(0.3)], [0, 0]])]

    def rho(angle: float) -> np.ndarray:
        turn = np.cos(angle / 2) * np.eye(4) - 1j * np.sin(angle / 2) * generator
        kraus = [np.kron(np.eye(2), k) @ turn for k in damping]
        return sum(k @ start @ k.conj().T for k in kraus)

    def root(a: np.ndarray) -> np.ndarray:
        values, vectors = np.linalg.eigh(a)
        return vectors * np.sqrt(np.maximum(values, 0)) @ vectors.conj().T

    def fidelity(a: np.ndarray, b: np.ndarray) -> float:
        return float(np.trace(root(root(a) @ b @ root(a))).real ** 2)

    derivative = (rho(0.3 + np.pi / 2) - rho(0.3 - np.pi / 2)) / 2
    h = 1e-3
    curvature = 2 * (2 - fidelity(rho(0.3), rho(0.3 + h)) - fidelity(rho(0.3), rho(0.3 - h))) / h**2
    assert mixed(rho(0.3), derivative[None])[0, 0] == pytest.approx(curvature, abs=1e-5)


@pytest.mark.parametrize(("qubits", "share"), [(6, 0.4848), (1, 0.25)])
def test_global_depolarizing_has_the_values_of_the_reference(qubits: int, share: float) -> None:
    assert globally_depolarized(np.ones(1), 0.5, qubits)[0] == pytest.approx(share, abs=5e-4)


@given(st.floats(0, 1), st.floats(0, 1), st.integers(1, 10))
def test_less_contrast_never_means_more_information(one: float, other: float, qubits: int) -> None:
    low, high = sorted((one, other))
    pure = np.ones(1)
    assert globally_depolarized(pure, low, qubits) <= globally_depolarized(pure, high, qubits) + 1e-12 <= 1 + 2e-12


@pytest.mark.parametrize("circuit", [c for c in CIRCUITS if c.reuploaded and c.qubits == 2], ids=repr)
def test_gate_by_gate_a_circuit_of_this_package_has_the_same_information(circuit: Circuit) -> None:
    angles, parameters = drawn(circuit)
    for information in (pure_full, pure_diagonal):
        found, wanted = (information(of, angles, parameters) for of in (layered(circuit), circuit))
        np.testing.assert_allclose(found, wanted, atol=1e-12)


@pytest.mark.parametrize("seed", range(4))
def test_shared_weights_have_the_tangents_that_differences_of_states_show(seed: int) -> None:
    circuit, inputs, _ = drawn_gates(3, 10, seed)
    angles, parameters = inputs.angles, inputs.parameters[0]
    _, tangents = state_and_tangents(circuit, angles, parameters)
    for i, step in enumerate(1e-5 * np.eye(circuit.parameter_count)):
        up, down = (state_and_tangents(circuit, angles, parameters + s * step)[0] for s in (1, -1))
        np.testing.assert_allclose(tangents[:, i], (up - down) / 2e-5, atol=1e-8)
    full = pure_full(circuit, angles, parameters)
    np.testing.assert_allclose(pure_diagonal(circuit, angles, parameters), np.einsum("bii->bi", full), atol=1e-12)


def test_a_few_samples_at_a_time_have_the_same_information(monkeypatch: pytest.MonkeyPatch) -> None:
    circuit, inputs, _ = drawn_gates(3, 12, 5)
    angles, parameters = inputs.angles, inputs.parameters[0]
    full, diagonal = pure_full(circuit, angles, parameters), pure_diagonal(circuit, angles, parameters)
    monkeypatch.setattr(fisher_information, "_MAX_BYTES", 2 * 16 * (1 + circuit.parameter_count) * 2**3)
    np.testing.assert_allclose(pure_full(circuit, angles, parameters), full, rtol=0, atol=1e-13)
    np.testing.assert_allclose(pure_diagonal(circuit, angles, parameters), diagonal, rtol=0, atol=1e-13)


def line_of(qubits: int, weights: int) -> GateCircuit:
    """One input, then rotations of weights about Y, qubit after qubit, and CX along the line."""
    gates = [Rotation("Y", (0,), (Term(1.0, (0,)),))]
    gates += [Rotation("Y", (weight % qubits,), (Term(1.0, (), weight),)) for weight in range(weights)]
    line = [Entangler("cx", (q, q + 1)) for q in range(qubits - 1)]
    return GateCircuit(qubits, 1, weights, (*gates, *line), (((1.0, "Z" * qubits),),))


def test_what_does_not_fit_is_refused_with_what_it_would_take() -> None:
    circuit = line_of(20, 300)
    for information in (pure_full, pure_diagonal):
        with pytest.raises(ValueError, match=r"may take 4 GiB, the derivatives of 20 qubits by 300 weights take 4\.7"):
            information(circuit, np.zeros((1, 1)), np.zeros(300))


@pytest.mark.slow
def test_twenty_qubits_fit() -> None:
    """Each weight turns |0> of a qubit of its own about Y: F = 1, whatever entangles them afterwards."""
    found = pure_full(line_of(20, 3), np.full((2, 1), 0.3), np.array([0.1, 0.2, 0.3]))
    np.testing.assert_allclose(found, np.tile(np.eye(3), (2, 1, 1)), rtol=0, atol=1e-12)
