"""The exact engine against Aer, against matrices written out, and against itself in other batches."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ceas_ray.quantum import aer_engine, pauli_engine
from ceas_ray.quantum.circuit import Circuit
from ceas_ray.quantum.contrast import contrast, pauli_weights, shrink_from_pairs, weight_profiles


def problem(circuit: Circuit, seed: int, processors: int = 2, lanes: int = 4) -> dict[str, Any]:
    draw = np.random.default_rng(seed)
    werner = draw.uniform(0.4, 1, (processors, 1))
    return {
        "angles": draw.uniform(-2, 2, (lanes, circuit.qubits)),
        "parameters": draw.uniform(-np.pi, np.pi, (processors, circuit.parameter_count)),
        "noise": draw.uniform(0, 0.2, (processors, 5)),
        "shrink": werner ** np.arange(circuit.qubits + 1),
        "owner": draw.integers(0, processors, lanes),
        "output": draw.integers(0, circuit.outputs, lanes),
    }


@settings(max_examples=12)
@given(
    qubits=st.integers(2, 5),
    entangler=st.sampled_from(["cx", "cz"]),
    reuploaded=st.booleans(),
    seed=st.integers(0, 1000),
)
def test_both_engines_agree_to_1e_12(qubits: int, entangler: Any, reuploaded: bool, seed: int) -> None:
    circuit = Circuit(qubits, 2, min(2, qubits), entangler, reuploaded)
    given_ = problem(circuit, seed)
    for ours, reference in zip(
        pauli_engine.shifted_values(circuit, **given_), aer_engine.shifted_values(circuit, **given_), strict=True
    ):
        np.testing.assert_allclose(ours, reference, atol=1e-12)
    given_.pop("output")
    np.testing.assert_allclose(
        pauli_engine.expectations(circuit, **given_), aer_engine.expectations(circuit, **given_), atol=1e-12
    )


def value_by_matrices(circuit: Circuit, angles: Any, theta: Any, noise: Any) -> float:
    """<Z_0> of one noisy circuit by Kraus operators on the full density matrix."""
    n = circuit.qubits

    def on(matrix: Any, qubit: int) -> Any:
        return np.kron(np.kron(np.eye(2 ** (n - 1 - qubit)), matrix), np.eye(2**qubit))

    def channel(rho: Any, kraus: list[Any]) -> Any:
        return sum(k @ rho @ k.conj().T for k in kraus)

    def damp(rho: Any, gamma: float, qubit: int) -> Any:
        one, two = np.diag([1, np.sqrt(1 - gamma)]), np.array([[0, np.sqrt(gamma)], [0, 0]])
        return channel(rho, [on(one, qubit), on(two, qubit)])

    paulis = [np.eye(2), np.array([[0, 1], [1, 0]]), np.array([[0, -1j], [1j, 0]]), np.diag([1, -1])]

    def rotate(rho: Any, axis: str, angle: float, qubit: int) -> Any:
        generator = paulis[2] if axis == "y" else paulis[3]
        gate = on(np.cos(angle / 2) * np.eye(2) - 1j * np.sin(angle / 2) * generator, qubit)
        rho = gate @ rho @ gate.conj().T
        mixed = sum(on(p, qubit) @ rho @ on(p, qubit).conj().T for p in paulis) / 4
        return damp((1 - noise[0]) * rho + noise[0] * mixed, noise[1], qubit)

    rho = np.zeros((2**n, 2**n), complex)
    rho[0, 0] = 1
    theta = theta.reshape(circuit.layers, n, 2)
    for layer in range(circuit.layers):
        for q in range(n):
            rho = rotate(rotate(rho, "y", angles[q], q), "z", angles[q], q)
            rho = rotate(rotate(rho, "y", theta[layer, q, 0], q), "z", theta[layer, q, 1], q)
        for control, target in circuit.ring:
            gate = on(np.diag([1, 0]), control) + on(np.diag([0, 1]), control) @ on(paulis[1], target)
            rho = gate @ rho @ gate.conj().T
            pairs = [on(a, control) @ on(b, target) for a in paulis for b in paulis]
            rho = (1 - noise[2]) * rho + noise[2] * sum(p @ rho @ p.conj().T for p in pairs) / 16
            rho = damp(damp(rho, noise[3], control), noise[3], target)
    return float(np.trace(on(paulis[3], 0) @ rho).real)


@pytest.mark.parametrize("qubits", [2, 3])
def test_the_exact_engine_is_right_against_kraus_operators_and_central_differences(qubits: int) -> None:
    circuit = Circuit(qubits, 2, 1, reuploaded=True)
    given_ = problem(circuit, 7, processors=1, lanes=1)
    values = pauli_engine.shifted_values(circuit, **given_)
    x, theta, noise = given_["angles"][0], given_["parameters"][0], given_["noise"][0]

    def z(parameters: Any) -> float:
        return value_by_matrices(circuit, x, parameters, noise)

    assert values.value[0] == pytest.approx(z(theta), abs=1e-12)
    for i in range(circuit.parameter_count):
        step = np.eye(circuit.parameter_count)[i]
        assert values.first[0, i] == pytest.approx((z(theta + 1e-5 * step) - z(theta - 1e-5 * step)) / 2e-5, abs=1e-8)
        for sign in (1, -1):
            shifted = values.value[0] + values.second[0, i] + sign * values.first[0, i]
            assert shifted == pytest.approx(z(theta + sign * np.pi / 2 * step), abs=1e-12)


@settings(max_examples=20)
@given(seed=st.integers(0, 1000), first=st.integers(1, 18))
def test_a_lane_has_the_same_bits_whatever_it_is_packed_with(seed: int, first: int) -> None:
    circuit = Circuit(3, 2, 2)
    given_ = problem(circuit, seed, processors=3, lanes=19)
    whole = pauli_engine.shifted_values(circuit, **given_)
    for part in (slice(0, first), slice(first, 19)):
        cut = given_ | {name: given_[name][part] for name in ("angles", "owner", "output")}
        for ours, all_lanes in zip(pauli_engine.shifted_values(circuit, **cut), whole, strict=True):
            assert np.array_equal(ours, all_lanes[part])


def test_wrong_shapes_are_refused_by_name() -> None:
    circuit = Circuit(2, 1, 1)
    with pytest.raises(ValueError, match=r"noise must have shape \(2, 5\), got \(2, 4\)"):
        pauli_engine.shifted_values(circuit, **(problem(circuit, 1) | {"noise": np.zeros((2, 4))}))


def test_mixed_pairs_shrink_coefficients_as_the_mean_over_shots_and_permutations_does() -> None:
    draw = np.random.default_rng(3)
    werner = draw.uniform(0.5, 1, (5, 3))
    bloch = draw.uniform(-1, 1, (3, 4))
    bloch[:, 0] = 1
    product = np.einsum("a,b,c->cba", *bloch).ravel()
    permutations = [(0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0)]
    total = np.zeros(64)
    for shot in werner:
        for order in permutations:
            factors = [np.array([1, w, w, w]) for w in shot[list(order)]]
            total += np.einsum("a,b,c->cba", *factors).ravel() * product
    np.testing.assert_allclose(total / (5 * 6), shrink_from_pairs(werner)[pauli_weights(3)] * product, atol=1e-14)


def test_contrast_is_the_slope_of_noisy_against_ideal_outputs() -> None:
    circuit = Circuit(3, 2, 1)
    draw = np.random.default_rng(5)
    angles = np.arccos(draw.uniform(-1, 1, (4000, 3)))
    parameters, shrink = draw.uniform(-np.pi, np.pi, (1, 12)), np.array([[1.0, 0.9, 0.8, 0.7]])
    common = {"parameters": parameters, "noise": np.zeros((1, 5)), "owner": np.zeros(4000, np.int64)}
    ideal = pauli_engine.expectations(circuit, angles, shrink=np.ones((1, 4)), **common)[:, 0]
    noisy = pauli_engine.expectations(circuit, angles, shrink=shrink, **common)[:, 0]
    (profile,) = weight_profiles(circuit, parameters, np.zeros((1, 5)), [angles])
    assert profile.sum() == pytest.approx(1)
    assert contrast(profile, shrink[0]) == pytest.approx(np.sum(ideal * noisy) / np.sum(ideal**2), abs=0.05)
