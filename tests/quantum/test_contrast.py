"""Contrasts and attenuation: what pairs and gates cost."""

from __future__ import annotations

import numpy as np
import pytest

from ceas_ray.quantum import pauli_engine
from ceas_ray.quantum.circuit import Circuit
from ceas_ray.quantum.contrast import attenuation_of_pairs, contrast, weight_profiles
from ceas_ray.quantum.gate_noise import noiseless
from ceas_ray.quantum.pauli_engine import LaneInputs, pauli_weights


def test_pairs_of_mixed_age_act_on_sampled_gradients_as_their_mean_over_shots() -> None:
    circuit = Circuit(2, 2, 1)
    draw = np.random.default_rng(3)
    pairs = draw.uniform(0.3, 1, (40, 2))
    angles, theta = draw.uniform(-1, 1, (1, 2)), draw.uniform(-2, 2, (1, 8))
    nothing, one = noiseless(1, 2), np.zeros(1, int)
    by_shot = []
    for shot in pairs:
        for order in (shot, shot[::-1]):
            cut = Circuit(2, 2, 1, teleported_before=(0,))
            inputs = LaneInputs(angles, theta, nothing, np.ones((1, 3)), one, order[None])
            by_shot.append(pauli_engine.expectations(cut, inputs)[0, 0])
    inputs = LaneInputs(angles, theta, nothing, attenuation_of_pairs(pairs)[None], one)
    mean = pauli_engine.expectations(circuit, inputs)[0, 0]
    assert mean == pytest.approx(np.mean(by_shot), abs=1e-13)


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
