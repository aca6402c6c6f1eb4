"""The exact engines against Aer, against matrices written out, and against themselves in other batches."""

from __future__ import annotations

import itertools
import tracemalloc
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ceas_ray.quantum import aer_engine, pauli_engine, state_vector_engine
from ceas_ray.quantum.circuit import Circuit
from ceas_ray.quantum.contrast import attenuation_of_pairs, contrast, weight_profiles
from ceas_ray.quantum.gate_noise import noiseless
from ceas_ray.quantum.pauli_engine import LaneInputs, pauli_weights
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


@settings(max_examples=5)
@given(circuit=circuits(most=3), seed=st.integers(0, 1000), by_layer=st.booleans())
def test_the_exact_engine_and_aer_agree_to_1e_12(circuit: Circuit, seed: int, by_layer: bool) -> None:
    assert_aer_agrees_everywhere(circuit, seed, by_layer)


@pytest.mark.slow
@settings(max_examples=8)
@given(circuit=circuits(least=2, most=6), seed=st.integers(0, 1000), by_layer=st.booleans())
def test_the_exact_engine_and_aer_agree_on_all_sizes(circuit: Circuit, seed: int, by_layer: bool) -> None:
    assert_aer_agrees_somewhere(circuit, seed, by_layer)


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


@settings(max_examples=20)
@given(circuit=circuits(), seed=st.integers(0, 1000))
def test_without_noise_state_vectors_give_the_same(circuit: Circuit, seed: int) -> None:
    given_ = problem(circuit, seed, lanes=9)
    ideal = {name: given_[name] for name in ("angles", "parameters", "owner", "cotangent")}
    nothing = {"noise": noiseless(2, circuit.qubits), "attenuation": np.ones((2, circuit.qubits + 1))}
    matrices = pauli_engine.reverse_mode(circuit, inputs_of(ideal | nothing), ideal["cotangent"])
    vectors = state_vector_engine.reverse_mode(circuit, **ideal)
    np.testing.assert_allclose(vectors.values, matrices.values, rtol=0, atol=1e-13)
    np.testing.assert_allclose(vectors.first, matrices.first, rtol=0, atol=1e-12)
    ideal.pop("cotangent")
    assert np.array_equal(state_vector_engine.expectations(circuit, **ideal), vectors.values)


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
    np.testing.assert_allclose(total / (5 * 6), attenuation_of_pairs(werner)[pauli_weights(3)] * product, atol=1e-14)


def test_contrast_is_the_slope_of_noisy_against_ideal_outputs() -> None:
    circuit = Circuit(3, 2, 1)
    draw = np.random.default_rng(5)
    angles = np.arccos(draw.uniform(-1, 1, (4000, 3)))
    parameters, attenuation = draw.uniform(-np.pi, np.pi, (1, 12)), np.array([[1.0, 0.9, 0.8, 0.7]])
    inputs = LaneInputs(angles, parameters, noiseless(1, 3), attenuation, np.zeros(4000, np.int64))
    ideal = pauli_engine.expectations(circuit, inputs._replace(attenuation=np.ones((1, 4))))[:, 0]
    noisy = pauli_engine.expectations(circuit, inputs)[:, 0]
    (profile,) = weight_profiles(circuit, parameters, noiseless(1, 3), [angles])
    assert profile.sum() == pytest.approx(1)
    assert contrast(profile, attenuation[0]) == pytest.approx(np.sum(ideal * noisy) / np.sum(ideal**2), abs=0.05)


@given(st.lists(st.floats(-np.pi, np.pi), min_size=1, max_size=3), st.randoms())
def test_an_attenuated_input_state_is_the_sum_of_its_pauli_strings_each_weakened_by_its_weight(
    angles: list[float], draw: Random
) -> None:
    attenuation = np.array([draw.random() for _ in range(len(angles) + 1)])
    paulis = [np.eye(2), np.array([[0, 1], [1, 0]]), np.array([[0, -1j], [1j, 0]]), np.diag([1, -1])]
    expected = np.zeros((2 ** len(angles),) * 2, complex)
    for string in itertools.product(range(4), repeat=len(angles)):
        term = np.ones((1, 1), complex)
        for x, p in zip(angles, string, strict=True):
            bloch = [1, np.sin(x) * np.cos(x), np.sin(x) ** 2, np.cos(x)]
            term = np.kron(paulis[p] * bloch[p] / 2, term)
        expected += attenuation[np.count_nonzero(string)] * term
    assert aer_engine.input_state(np.array(angles), attenuation) == pytest.approx(expected, abs=1e-14)


def test_an_input_state_of_eight_qubits_is_made_in_the_memory_of_some_such_states() -> None:
    tracemalloc.start()
    try:
        state = aer_engine.input_state(np.linspace(-1, 1, 8), np.ones(9))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 40 * state.nbytes


@pytest.mark.parametrize("reuploaded", [False, True])
def test_aers_values_do_not_depend_on_how_many_circuits_it_runs_at_once(
    reuploaded: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    circuit, draw = Circuit(2, 1, 2, reuploaded=reuploaded), np.random.default_rng(3)
    samples = draw.uniform(-1, 1, (3, 2))
    settings_ = draw.uniform(-1, 1, (5, circuit.parameter_count))
    hardware = aer_engine.Hardware(circuit, noiseless(1, 2)[0], np.ones(3), None)
    whole = hardware.expectations(samples, settings_)
    for circuits_at_once in (1, 2, 7):
        monkeypatch.setattr(aer_engine, "MAX_BYTES_OF_STATES", circuits_at_once * 16 * 4**2)
        assert np.array_equal(hardware.expectations(samples, settings_), whole)


def test_sampled_outcomes_do_not_depend_on_how_many_circuits_run_at_once_and_no_two_share_a_stream(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    circuit, count = Circuit(2, 1, 1), 40
    hardware = aer_engine.Hardware(circuit, noiseless(1, 2)[0], np.ones(3), None)
    angles, settings_ = np.full((count, 2), np.pi / 2), np.zeros((count, circuit.parameter_count))
    shots = np.repeat([999, 1000], count // 2)  # two runs of Aer, alike but for one shot
    arguments = (angles, settings_, np.zeros(count, np.int64))
    whole = hardware.counts(*arguments, shots=shots, seed=5)
    first, second = np.split(whole, 2)
    assert abs(np.corrcoef(first, second)[0, 1]) < 0.9
    for circuits_at_once in (1, 3):
        monkeypatch.setattr(aer_engine, "MAX_BYTES_OF_STATES", circuits_at_once * 16 * 4**2)
        assert np.array_equal(hardware.counts(*arguments, shots=shots, seed=5), whole)
