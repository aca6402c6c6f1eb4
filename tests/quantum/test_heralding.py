"""How a heralded attempt leaves a pair."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ceas_ray.quantum import bell_pairs
from tests.quantum.density_matrices import (
    BELL_DIAGONAL,
    PAULI_X,
    bell_weights,
    close,
    on,
    pair,
)


@given(st.floats(0, 0.5), st.floats(0, 1e-4))
def test_a_single_click_has_about_fidelity_1_minus_alpha_at_rate_2_alpha_eta(alpha: float, eta: float) -> None:
    fidelity, success = bell_pairs.single_click(alpha, eta)
    assert fidelity == pytest.approx(1 - alpha, rel=1e-4)
    assert success == pytest.approx(2 * alpha * eta, rel=1e-4)


@given(st.floats(0.25, 1.0), st.floats(0, 60), st.floats(0, 60), st.floats(1e-9, 1e-3))
def test_dark_counts_cost_more_fidelity_on_longer_links(fidelity: float, near: float, more: float, dark: float) -> None:
    close, far = (bell_pairs.heralded_fidelity(fidelity, 0.1 * 10 ** (-0.02 * km), dark) for km in (near, near + more))
    assert 0.25 <= far <= close <= fidelity
    assert bell_pairs.heralded_fidelity(fidelity, 0.1, 0.0) == fidelity


@pytest.mark.parametrize(("alpha", "eta"), [(0.05, 0.1), (0.3, 0.7), (0.5, 1e-3), (0.2, 1.0), (0.0, 0.5)])
def test_single_click_is_emission_loss_and_one_photon_at_a_number_resolving_detector(alpha: float, eta: float) -> None:
    """Emitters with photon numbers (0, 1); loss leaves the lost photons in an environment; a beam splitter; a click."""
    emitter = np.zeros((2, 2))  # emitter, photon in its arm
    emitter[0, 0], emitter[1, 1] = np.sqrt(1 - alpha), np.sqrt(alpha)
    half = np.zeros((2, 2, 2))  # emitter, photon that arrives, photon lost
    half[:, 0, 0] = emitter[:, 0]
    half[:, 1, 0], half[:, 0, 1] = np.sqrt(eta) * emitter[:, 1], np.sqrt(1 - eta) * emitter[:, 1]
    both = np.einsum("apl,bqm->abpqlm", half, half)
    # detector c sees (p + q) / sqrt 2: one photon there and none at d
    clicked = (both[:, :, 1, 0] + both[:, :, 0, 1]) / np.sqrt(2)
    rho = np.einsum("ablm,cdlm->abcd", clicked, clicked).reshape(4, 4)
    fidelity, success = bell_pairs.single_click(alpha, eta)
    assert 2 * np.trace(rho) == pytest.approx(success, abs=1e-12)  # the other detector is as likely
    if alpha == 0:
        return
    rho = on(PAULI_X, 1, 2) @ (rho / np.trace(rho)) @ on(PAULI_X, 1, 2)
    assert close(bell_weights(rho), bell_pairs.single_click_state(alpha, eta))
    assert close(fidelity, bell_weights(rho)[0])


@pytest.mark.parametrize("weights", BELL_DIAGONAL)
def test_dark_counts_mix_in_the_maximally_mixed_pair(weights: np.ndarray) -> None:
    signal, dark = 0.01, 0.002
    rho = signal * pair(weights) + (1 - signal) * dark * np.eye(4) / 4
    heralded = np.real(np.trace(rho))
    assert close(heralded, bell_pairs.heralded_probability(signal, dark))
    assert close(bell_weights(rho / heralded), bell_pairs.heralded_state(weights, signal, dark))
