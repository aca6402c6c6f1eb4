"""The exact engines against Aer, against matrices written out, and against themselves in other batches."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ceas_ray.quantum import aer_engine, pauli_engine, state_vector_engine
from ceas_ray.quantum.circuit import Circuit
from ceas_ray.quantum.gate_noise import noiseless
from ceas_ray.quantum.pauli_engine import pauli_weights
from tests.quantum.circuits import circuits, inputs_of, problem, values_by_matrices


def assert_aer_agrees_everywhere(circuit: Circuit, seed: int, by_layer: bool) -> None:
    given_ = problem(circuit, seed, lanes=3, by_layer=by_layer)
    inputs, output = inputs_of(given_), np.arange(3) % circuit.outputs
    ours, reference = (engine.shifted_values(circuit, inputs, output) for engine in (pauli_engine, aer_engine))
    for found, expected in zip(ours, reference, strict=True):
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)
    ours, reference = (engine.expectations(circuit, inputs) for engine in (pauli_engine, aer_engine))
    np.testing.assert_allclose(ours, reference, rtol=0, atol=1e-12)


def assert_aer_agrees_somewhere(circuit: Circuit, seed: int, by_layer: bool) -> None:
    """All outputs, and one of them where three parameters are shifted: all shifts of six qubits take Aer long."""
    inputs = inputs_of(problem(circuit, seed, processors=1, lanes=2, by_layer=by_layer))
    shifted = np.random.default_rng(seed).choice(circuit.parameter_count, 3, replace=False)
    shifts = np.pi / 2 * np.eye(circuit.parameter_count)[shifted]
    hardware = aer_engine.Hardware(circuit, inputs.noise[0], inputs.attenuation[0], inputs.werner[0])
    reference = hardware.expectations(
        inputs.angles, inputs.parameters[0] + np.concatenate([0 * shifts[:1], shifts, -shifts])
    )
    np.testing.assert_allclose(pauli_engine.expectations(circuit, inputs), reference[:, 0], rtol=0, atol=1e-12)
    lanes, output = np.arange(2), np.arange(2) % circuit.outputs
    ours = pauli_engine.shifted_values(circuit, inputs, output)
    first, second = ours.first[:, shifted], ours.second[:, shifted]
    found = np.concatenate([ours.value[:, None], *(ours.value[:, None] + second + sign * first for sign in (1, -1))], 1)
    np.testing.assert_allclose(found, reference[lanes, :, output], rtol=0, atol=1e-12)


@pytest.mark.slow
@settings(max_examples=5)
@given(circuit=circuits(most=3), seed=st.integers(0, 1000), by_layer=st.booleans())
def test_the_exact_engine_and_aer_agree_to_1e_12(circuit: Circuit, seed: int, by_layer: bool) -> None:
    assert_aer_agrees_everywhere(circuit, seed, by_layer)


@pytest.mark.slow
@settings(max_examples=8)
@given(circuit=circuits(least=2, most=6), seed=st.integers(0, 1000), by_layer=st.booleans())
def test_the_exact_engine_and_aer_agree_on_all_sizes(circuit: Circuit, seed: int, by_layer: bool) -> None:
    assert_aer_agrees_somewhere(circuit, seed, by_layer)


@pytest.mark.slow
@settings(max_examples=10)
@given(circuit=circuits(most=4), seed=st.integers(0, 1000))
def test_the_exact_engine_is_right_against_kraus_operators_and_central_differences(circuit: Circuit, seed: int) -> None:
    given_ = problem(circuit, seed, processors=1, lanes=1, by_layer=True) | {
        "attenuation": np.ones((1, circuit.qubits + 1))
    }
    found = pauli_engine.reverse_mode(circuit, inputs_of(given_), given_["cotangent"], second=True)
    x, theta, cotangent = given_["angles"][0], given_["parameters"][0], given_["cotangent"][0]

    def outputs(parameters: np.ndarray) -> np.ndarray:
        return values_by_matrices(circuit, x, parameters, given_["noise"][0], given_["werner"][0])

    np.testing.assert_allclose(found.values[0], outputs(theta), rtol=0, atol=1e-12)
    for i in np.random.default_rng(seed).choice(circuit.parameter_count, 3, replace=False):
        step = np.eye(circuit.parameter_count)[i]
        difference = cotangent @ (outputs(theta + 1e-5 * step) - outputs(theta - 1e-5 * step)) / 2e-5
        assert found.first[0, i] == pytest.approx(difference, abs=1e-8)
        for sign in (1, -1):
            shifted = cotangent @ found.values[0] + found.second[0, i] + sign * found.first[0, i]
            assert shifted == pytest.approx(cotangent @ outputs(theta + sign * np.pi / 2 * step), abs=1e-11)


@settings(max_examples=15)
@given(circuit=circuits(), seed=st.integers(0, 1000))
def test_one_backward_pass_serves_any_combination_of_outputs(circuit: Circuit, seed: int) -> None:
    given_ = problem(circuit, seed)
    whole = pauli_engine.reverse_mode(circuit, inputs_of(given_), given_["cotangent"], second=True)
    first, second = np.zeros_like(whole.first), np.zeros_like(whole.second)
    for k in range(circuit.outputs):
        one = pauli_engine.shifted_values(circuit, inputs_of(given_), np.full(4, k))
        np.testing.assert_allclose(one.value, whole.values[:, k], atol=1e-14)
        first += given_["cotangent"][:, k : k + 1] * one.first
        second += given_["cotangent"][:, k : k + 1] * one.second
    np.testing.assert_allclose(whole.first, first, atol=1e-12)
    np.testing.assert_allclose(whole.second, second, atol=1e-12)


@pytest.mark.slow
@settings(max_examples=10)
@given(circuit=circuits(), seed=st.integers(0, 1000))
def test_single_precision_is_good_to_a_millionth(circuit: Circuit, seed: int) -> None:
    given_ = problem(circuit, seed, lanes=20)
    given_["cotangent"] /= np.sum(np.abs(given_["cotangent"]), axis=1, keepdims=True)
    ideal = {name: given_[name] for name in ("angles", "parameters", "owner", "cotangent")}
    inputs, cotangent = inputs_of(given_), given_["cotangent"]
    for reverse_mode in (
        lambda dtype: pauli_engine.reverse_mode(circuit, inputs, cotangent, dtype=dtype),
        lambda dtype: state_vector_engine.reverse_mode(circuit, dtype=dtype, **ideal),
    ):
        double, single = reverse_mode(np.float64), reverse_mode(np.float32)
        np.testing.assert_allclose(single.values, double.values, rtol=0, atol=1e-6)
        np.testing.assert_allclose(single.first, double.first, rtol=0, atol=1e-6)


@settings(max_examples=20)
@given(circuit=circuits(most=4), seed=st.integers(0, 1000), first=st.integers(1, 18), threads=st.integers(1, 3))
def test_a_lane_has_the_same_bits_in_any_batch_and_on_any_threads(
    circuit: Circuit, seed: int, first: int, threads: int
) -> None:
    given_ = problem(circuit, seed, processors=3, lanes=19)
    whole = pauli_engine.reverse_mode(circuit, inputs_of(given_), given_["cotangent"], second=True)
    ideal = {name: given_[name] for name in ("angles", "parameters", "owner", "cotangent")}
    vectors = state_vector_engine.reverse_mode(circuit, **ideal)
    for part in (slice(0, first), slice(first, 19)):
        cut = {name: given_[name][part] for name in ("angles", "owner", "cotangent")}
        for ours, all_lanes in zip(
            pauli_engine.reverse_mode(circuit, inputs_of(given_ | cut), cut["cotangent"], second=True, threads=threads),
            whole,
            strict=True,
        ):
            assert np.array_equal(ours, all_lanes[part])
        for ours, all_lanes in zip(
            state_vector_engine.reverse_mode(circuit, threads=threads, **ideal | cut), vectors, strict=True
        ):
            assert np.array_equal(ours, all_lanes[part])


def test_large_circuits_run_layers_again_to_the_same_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    circuit = Circuit(4, 3, 2, reuploaded=True)
    given_ = problem(circuit, 5)
    kept = pauli_engine.reverse_mode(circuit, inputs_of(given_), given_["cotangent"], second=True)
    monkeypatch.setattr(pauli_engine, "KEPT_BYTES", 0)
    for again, once in zip(
        pauli_engine.reverse_mode(circuit, inputs_of(given_), given_["cotangent"], second=True), kept, strict=True
    ):
        assert np.array_equal(again, once)


@settings(max_examples=10)
@given(circuit=circuits(most=4), seed=st.integers(0, 100))
def test_pulled_back_outputs_are_the_outputs(circuit: Circuit, seed: int) -> None:
    if circuit.reuploaded:
        with pytest.raises(ValueError, match="only when inputs are encoded once"):
            pauli_engine.pulled_back_outputs(circuit, np.zeros((1, circuit.parameter_count)), noiseless(1, 2))
        return
    given_ = problem(circuit, seed, processors=1)
    pulled = pauli_engine.pulled_back_outputs(circuit, given_["parameters"], given_["noise"], given_["werner"])
    states = np.ones((4, 1))
    for q in range(circuit.qubits):
        x = given_["angles"][:, q]
        bloch = np.stack([np.ones(4), np.sin(x) * np.cos(x), np.sin(x) ** 2, np.cos(x)], axis=1)
        states = (bloch[:, :, None] * states[:, None, :]).reshape(4, -1)
    states = states * given_["attenuation"][0][pauli_weights(circuit.qubits)]
    np.testing.assert_allclose(states @ pulled[0].T, pauli_engine.expectations(circuit, inputs_of(given_)), atol=1e-13)


def test_wrong_shapes_are_refused_by_name() -> None:
    circuit = Circuit(2, 1, 1)
    given_ = problem(circuit, 1)
    with pytest.raises(ValueError, match=r"noise must have shape \(2, 2, 7\), got \(2, 2, 5\)"):
        pauli_engine.expectations(circuit, inputs_of(given_ | {"noise": np.zeros((2, 2, 5))}))
    with pytest.raises(ValueError, match=r"werner must have shape \(2, 0\), got \(2, 1\)"):
        pauli_engine.expectations(circuit, inputs_of(given_ | {"werner": np.zeros((2, 1))}))
    with pytest.raises(ValueError, match=r"angles must have shape \(4, 2\), got \(4, 3\)"):
        state_vector_engine.expectations(circuit, np.zeros((4, 3)), given_["parameters"], given_["owner"])
