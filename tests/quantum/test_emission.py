"""Emission schemes, against the emitters and detectors that they stand for."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from ceas_ray.quantum import bell_pairs
from ceas_ray.quantum.emission import SingleClick
from tests.quantum.density_matrices import (
    PAULI_X,
    PAULI_Z,
    bell_weights,
    close,
    on,
    pair,
)


def heralded_emitters(
    emitters: np.ndarray, eta: float, dark: float, heralds: dict[tuple[int, ...], np.ndarray]
) -> np.ndarray:
    """The emitters' density matrix, not normalised, summed over heralds and with each herald's correction.

    emitters (2, 2, 1 + M): of two parties alike, [emitter, photon in none or one of M modes]. Photons arrive with eta;
    mode m of both meets on a beam splitter with detectors m (c) and M + m (d), which resolve numbers and add a dark
    count with probability `dark` each. heralds: counts of all detectors, and the correction (4, 4).
    """
    modes = emitters.shape[1] - 1
    fates = [(mode, kept) for mode in range(1 + modes) for kept in ((True, False) if mode else (True,))]
    found: dict[tuple[object, ...], np.ndarray] = {}
    for (one, one_kept), (other, other_kept) in product(fates, fates):
        amplitude = np.kron(emitters[:, one], emitters[:, other])
        arrived = []
        for party, mode, kept in ((0, one, one_kept), (1, other, other_kept)):
            if mode:
                amplitude = amplitude * np.sqrt(eta if kept else 1 - eta)
            if mode and kept:
                arrived.append((party, mode - 1))
        lost = (0 if one_kept else one, 0 if other_kept else other)
        for ways in product((0, 1), repeat=len(arrived)):  # a -> (c + d) / sqrt 2, b -> (c - d) / sqrt 2
            counts, sign = [0] * 2 * modes, 1.0
            for (party, mode), way in zip(arrived, ways, strict=True):
                counts[mode + way * modes] += 1
                sign *= (-1) ** (party * way) / np.sqrt(2)
            bunched = np.sqrt(2) if 2 in counts else 1.0
            key = (tuple(counts), lost)
            found[key] = found.get(key, np.zeros(4)) + sign * bunched * amplitude
    rho = np.zeros((4, 4), complex)
    for (counts, _), vector in found.items():
        for extra in product((0, 1), repeat=2 * modes):
            shown = tuple(a + b for a, b in zip(counts, extra, strict=True))
            if shown in heralds:
                chance = np.prod([dark if e else 1 - dark for e in extra])
                corrected = heralds[shown] @ vector
                rho += chance * np.outer(corrected, corrected.conj())
    return rho


@pytest.mark.parametrize(("alpha", "eta", "dark"), [
    (0.1, 0.001, 1e-4), (0.1, 0.01, 1e-5), (0.3, 0.4, 0.05), (0.5, 0.9, 0.2), (0.05, 0.005, 1e-4), (0.2, 0.3, 0.0),
    (0.2, 1.0, 0.01),
])  # fmt: skip
def test_a_dark_count_of_a_single_click_leaves_what_emitters_without_a_photon_leave(
    alpha: float, eta: float, dark: float
) -> None:
    emitter = np.array([[np.sqrt(1 - alpha), 0], [0, np.sqrt(alpha)]])
    flip, phase = on(PAULI_X, 1, 2), on(PAULI_Z, 0, 2)
    rho = heralded_emitters(emitter, eta, dark, {(1, 0): flip, (0, 1): flip @ phase})
    either = 1 - (1 - dark) ** 2
    fidelity, success = bell_pairs.single_click(alpha, eta, either)
    weights = bell_pairs.single_click_state(alpha, eta, either)
    assert success == pytest.approx(np.trace(rho).real, rel=1e-12)
    assert close(weights, bell_weights(rho / np.trace(rho)))
    assert fidelity == pytest.approx(weights[0], abs=1e-12)
    emitted, probability = SingleClick(alpha, either).emit(eta, 1.0)
    assert close(emitted, weights)
    assert probability == pytest.approx(success)


@pytest.mark.parametrize(("eta", "dark"), [(0.1, 1e-4), (0.02, 1e-3), (0.8, 0.1), (0.3, 0.0)])
def test_a_dark_count_of_a_two_photon_herald_leaves_a_maximally_mixed_pair(eta: float, dark: float) -> None:
    """Polarizations: |0 H> + |1 V>; a herald is one H and one V, and nothing else, at any of two detectors each."""
    emitter = np.array([[0, 1, 0], [0, 0, 1]]) / np.sqrt(2)
    flip, phase = on(PAULI_X, 1, 2), on(PAULI_Z, 0, 2)
    same, crossed = flip, flip @ phase
    heralds = {(1, 1, 0, 0): same, (0, 0, 1, 1): same, (1, 0, 0, 1): crossed, (0, 1, 1, 0): crossed}
    rho = heralded_emitters(emitter, eta, dark, heralds)
    signal = eta**2 / 2 * (1 - dark) ** 4
    success = float(np.trace(rho).real)
    false = max(0.0, (success - signal) / (1 - signal))
    assert close(rho, signal * pair([1, 0, 0, 0]) + (success - signal) * np.eye(4) / 4)
    assert close(bell_weights(rho / success), bell_pairs.heralded_state([1, 0, 0, 0], signal, false))
    assert heralded_emitters(emitter, eta, 0.0, heralds).trace().real == pytest.approx(eta**2 / 2)
    if dark < 0.01:
        assert success - signal == pytest.approx(4 * eta * (1 - eta) * dark, rel=0.1), "one photon and one dark count"
