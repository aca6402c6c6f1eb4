"""Trap circuits: what they show, and how sure it is."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from qiskit.quantum_info import Operator

from ceas_ray.quantum.circuit import Circuit
from ceas_ray.quantum.gate_noise import Noise, noiseless, visibility
from ceas_ray.quantum.qiskit_export import export
from ceas_ray.quantum.trap_circuits import answer_contrasts, asked_circuits, certified_answer_contrast
from tests.quantum.circuits import values_by_matrices


@pytest.mark.parametrize("ansatz", ["ring", "hardware_efficient", "strongly_entangling"])
def test_contrasts_of_answers_are_those_of_density_matrices(ansatz: str) -> None:
    """Every bit string prepared, sent through Werner pairs and run with noise, one after the other."""
    circuit = Circuit(3, 2, 2, entangler="cx", reuploaded=False, ansatz=ansatz)  # type: ignore[arg-type]
    draw = np.random.default_rng(3)
    parameters = draw.uniform(-np.pi, np.pi, circuit.parameter_count)
    noise, werner = draw.uniform(0, 0.2, (3, len(Noise))), 0.83
    unitary = Operator(export(circuit, parameters, np.zeros(3)).remove_final_measurements(inplace=False)).data
    through_pairs = replace(circuit, teleported_before=(0,))
    by_layer = np.tile(noise, (2, 1, 1))
    agreement = np.zeros(2)
    for b in range(8):
        state = unitary.conj().T[:, b]
        signs = np.array([1 - 2 * (b >> k & 1) for k in range(2)])
        agreement += signs * values_by_matrices(through_pairs, None, parameters, by_layer, [werner] * 3, state) / 8
    (found,) = answer_contrasts(
        circuit,
        parameters[None],
        noise=noise[None],
        attenuation=werner ** np.arange(4)[None],
        visibility=visibility(noise, 2)[None],
    )
    np.testing.assert_allclose(found, (1 - 2 * noise[:2, Noise.READOUT]) * agreement, rtol=0, atol=1e-12)


@given(seed=st.integers(0, 10**6))
@settings(max_examples=20, deadline=None)
def test_without_noise_every_answer_is_right_and_noise_never_helps(seed: int) -> None:
    circuit = Circuit(4, 2, 4)
    draw = np.random.default_rng(seed)
    parameters = draw.uniform(-np.pi, np.pi, (1, circuit.parameter_count))
    ones = {"attenuation": np.ones((1, 5)), "visibility": np.ones((1, 4))}
    assert answer_contrasts(circuit, parameters, noise=noiseless(1, 4), **ones) == pytest.approx(np.ones((1, 4)))
    noise = draw.uniform(0, 0.2, (1, 4, len(Noise)))
    assert np.all(np.abs(answer_contrasts(circuit, parameters, noise=noise, **ones)) <= 1 + 1e-12)


@pytest.mark.parametrize("contrast", [0.2, 0.6, 0.95])
@pytest.mark.parametrize("asked", [30, 100, 800])
def test_the_certified_contrast_exceeds_the_true_one_no_more_often_than_stated(asked: int, contrast: float) -> None:
    draw = np.random.default_rng(7)
    wrong = draw.binomial(asked, (1 - contrast) / 2, 4000).astype(float)
    lower = certified_answer_contrast(np.full(4000, float(asked)), wrong, 0.95)
    assert np.mean(lower > contrast) < 0.05 + 3 * np.sqrt(0.05 * 0.95 / 4000)
    assert np.mean(lower) > contrast - 3.5 * np.sqrt((1 - contrast**2) / asked) - 8 / asked


def test_where_nothing_was_asked_or_all_was_wrong_nothing_is_certified() -> None:
    assert certified_answer_contrast(np.array([0.0, 50.0]), np.array([0.0, 50.0]), 0.95).tolist() == [0.0, 0.0]


def test_as_many_circuits_are_asked_as_the_share_says() -> None:
    places = [asked_circuits(1000, 0.1, np.random.default_rng(seed)) for seed in range(2000)]
    assert {int(each.sum()) for each in places} == {100}
    assert np.abs(np.mean(places, axis=0) - 0.1).max() < 5 * np.sqrt(0.09 / 2000)
