"""Every closed form of a Bell pair, against density matrices and circuits."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from ceas_ray.quantum import bell_pairs
from ceas_ray.quantum.bell_pairs import Idling
from ceas_ray.quantum.emission import SingleClick
from tests.quantum.density_matrices import (
    HADAMARD,
    PAULI_I,
    PAULI_X,
    PAULI_Y,
    PAULI_Z,
    bell_weights,
    channel,
    cnot,
    dephasing,
    depolarizing,
    on,
    pair,
    projected,
    relaxation,
    trace_out,
)

STATES = [*np.random.default_rng(7).dirichlet(np.ones(4), 6), np.array([1.0, 0, 0, 0]), np.array([0, 0, 0.5, 0.5])]
FIDELITIES = [0.25, 0.5, 0.7, 0.83, 0.97, 1.0]


def close(a: object, b: object) -> bool:
    return bool(np.allclose(a, b, rtol=0, atol=1e-12))


@pytest.mark.parametrize("weights", STATES)
def test_correlations_are_expectations_of_pauli_products(weights: np.ndarray) -> None:
    rho = pair(weights)
    expected = [np.real(np.trace(rho @ np.kron(p, p))) for p in (PAULI_X, PAULI_Y, PAULI_Z)]
    assert close(bell_pairs.correlations(weights), expected)
    assert close(bell_pairs.state_of_correlations(*expected), weights)


@pytest.mark.parametrize("weights", STATES)
def test_decay_is_depolarizing_kraus_operators_on_each_half(weights: np.ndarray) -> None:
    rho = channel(channel(pair(weights), depolarizing(np.exp(-0.3)), 0), depolarizing(np.exp(-0.1)), 1)
    total = bell_pairs.pair_coherence_time(1 / 0.3, 1 / 0.1)
    assert close(bell_weights(rho), bell_pairs.decayed_state(weights, 1.0, total))
    alone = channel(pair(weights), depolarizing(np.exp(-0.3)), 1)
    assert close(bell_weights(alone), bell_pairs.decayed_state(weights, 0.3, 1.0))


@pytest.mark.parametrize("weights", STATES)
def test_dephasing_is_phase_flips_on_each_half(weights: np.ndarray) -> None:
    rho = channel(channel(pair(weights), dephasing(np.exp(-0.2)), 0), dephasing(np.exp(-0.2)), 1)
    assert close(bell_weights(rho), bell_pairs.dephased_state(weights, 0.2, 0.5))


@pytest.mark.parametrize("weights", STATES)
def test_attempts_that_erase_the_phase_are_so_many_phase_flips(weights: np.ndarray) -> None:
    rho = pair(weights)
    for _ in range(3):
        rho = channel(rho, dephasing(1 - 0.15), 0)
    assert close(bell_weights(rho), bell_pairs.dephased_by_attempts(weights, 3, 0.15))


@pytest.mark.parametrize("weights", STATES)
@pytest.mark.parametrize(("first", "second"), [
    ((1e-3, 10e-3, 5e-3), (1e-3, 10e-3, 5e-3)),
    ((1e-3, 10e-3, 20e-3), (4e-3, 3e-3, 1e-3)),
    ((2.0, 1.5, 2.9), (0.0, 1.0, 1.0)),
])  # fmt: skip
def test_relaxation_is_amplitude_damping_and_dephasing_on_each_half(
    weights: np.ndarray, first: tuple[float, ...], second: tuple[float, ...]
) -> None:
    rho = channel(channel(pair(weights), relaxation(*first), 0), relaxation(*second), 1)
    assert close(bell_weights(rho), bell_pairs.relaxed_state(weights, Idling(*first), Idling(*second)))


def test_perfect_memories_and_pure_dephasing_are_limits_of_relaxation() -> None:
    for weights in STATES:
        assert close(bell_pairs.relaxed_state(weights, Idling(9.0), Idling(5.0)), weights)
        dephased = bell_pairs.relaxed_state(weights, Idling(0.2, t2=1.0), Idling(0.2, t2=1.0))
        assert close(dephased, bell_pairs.dephased_state(weights, 0.2, 0.5))


def swapped_by_measurement(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Qubits A M1 M2 B: a Bell measurement of the middle, and the correction of B for every outcome."""
    rho = np.kron(pair(first), pair(second))
    circuit = on(HADAMARD, 1, 4) @ cnot(1, 2, 4)
    rho = circuit @ rho @ circuit.conj().T
    total = np.zeros((4, 4), complex)
    for phase, flip in product(range(2), repeat=2):
        outcome = trace_out(projected(rho, {1: phase, 2: flip}), [0, 3])
        fix = np.linalg.matrix_power(PAULI_Z, phase) @ np.linalg.matrix_power(PAULI_X, flip)
        total += on(fix, 1, 2) @ outcome @ on(fix, 1, 2).conj().T
    return bell_weights(total)


@pytest.mark.parametrize("first", STATES[:4])
@pytest.mark.parametrize("second", STATES[3:])
def test_swapping_is_a_bell_measurement_with_corrections(first: np.ndarray, second: np.ndarray) -> None:
    assert close(bell_pairs.swapped_state(first, second), swapped_by_measurement(first, second))


def test_swapping_after_waiting_is_decay_measurement_noise_and_decay_of_the_ends() -> None:
    end, middle = 2.0, 0.7
    one, two = (pair(bell_pairs.werner_state(f)) for f in (0.95, 0.9))
    for qubit, coherence in ((0, end), (1, middle)):
        one = channel(one, depolarizing(np.exp(-0.3 / coherence)), qubit)
    for qubit, coherence in ((0, middle), (1, end)):
        two = channel(two, depolarizing(np.exp(-0.1 / coherence)), qubit)
    rho = pair(swapped_by_measurement(bell_weights(one), bell_weights(two)))
    rho = channel(rho, depolarizing(0.98), 0)
    for qubit in (0, 1):
        rho = channel(rho, depolarizing(np.exp(-0.05 / end)), qubit)
    computed = bell_pairs.swapped_after_waiting(
        0.95, 0.9, first_age=0.3, second_age=0.1, correction_delay=0.05, end_coherence_time=end,
        middle_coherence_time=middle,
    )  # fmt: skip
    assert close(computed, bell_weights(rho)[0])


def purified(first: np.ndarray, second: np.ndarray, rotate: bool) -> tuple[np.ndarray, float]:
    """Qubits A1 B1 A2 B2: (DEJMPS rotations,) bilateral CNOTs, and Z measurements of the second pair that agree."""
    rho = np.kron(pair(first), pair(second))
    if rotate:
        quarter = (PAULI_I - 1j * PAULI_X) / np.sqrt(2)
        for qubit in range(4):
            u = on(quarter if qubit % 2 == 0 else quarter.conj().T, qubit, 4)
            rho = u @ rho @ u.conj().T
    circuit = cnot(0, 2, 4) @ cnot(1, 3, 4)
    rho = circuit @ rho @ circuit.conj().T
    kept = sum(trace_out(projected(rho, {2: bit, 3: bit}), [0, 1]) for bit in range(2))
    success = float(np.real(np.trace(kept)))
    return bell_weights(kept / success), success


@pytest.mark.parametrize("first", STATES[:5])
@pytest.mark.parametrize("second", STATES[1:7])
def test_dejmps_is_its_circuit(first: np.ndarray, second: np.ndarray) -> None:
    state, success = bell_pairs.dejmps(first, second)
    expected, probability = purified(first, second, rotate=True)
    assert close(state, expected)
    assert success == pytest.approx(probability, abs=1e-12)


@pytest.mark.parametrize("first", FIDELITIES)
@pytest.mark.parametrize("second", FIDELITIES)
def test_bbpssw_is_its_circuit(first: float, second: float) -> None:
    fidelity, success = bell_pairs.bbpssw(first, second)
    expected, probability = purified(bell_pairs.werner_state(first), bell_pairs.werner_state(second), rotate=False)
    assert fidelity == pytest.approx(expected[0], abs=1e-12)
    assert success == pytest.approx(probability, abs=1e-12)


def random_states(qubits: int, count: int) -> list[np.ndarray]:
    rng = np.random.default_rng(3)
    amplitudes = rng.normal(size=(count, 2**qubits)) + 1j * rng.normal(size=(count, 2**qubits))
    return list(amplitudes / np.linalg.norm(amplitudes, axis=1, keepdims=True))


def test_teleportation_through_a_werner_pair_has_its_average_fidelity() -> None:
    six = [*np.eye(2), *(np.array([1, s]) / np.sqrt(2) for s in (1, -1, 1j, -1j))]  # a 2-design: exact averages
    for fidelity in FIDELITIES:
        overlaps = []
        for psi in six:
            rho = np.kron(np.outer(psi, psi.conj()), pair(bell_pairs.werner_state(fidelity)))
            circuit = on(HADAMARD, 0, 3) @ cnot(0, 1, 3)
            rho = circuit @ rho @ circuit.conj().T
            out = np.zeros((2, 2), complex)
            for phase, flip in product(range(2), repeat=2):
                fix = np.linalg.matrix_power(PAULI_Z, phase) @ np.linalg.matrix_power(PAULI_X, flip)
                out += fix @ trace_out(projected(rho, {0: phase, 1: flip}), [2]) @ fix.conj().T
            overlaps.append(np.real(psi.conj() @ out @ psi))
        assert close(np.mean(overlaps), bell_pairs.teleportation_fidelity(fidelity))


def teleported_cnot(rho: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Qubits C A B T: C controls A, A is measured in Z and corrects B; B controls T, is measured in X, corrects C."""
    joint = np.kron(rho, pair(weights)).reshape([2] * 8).transpose([0, 2, 3, 1, 4, 6, 7, 5]).reshape(16, 16)
    first = cnot(0, 1, 4)
    joint = first @ joint @ first.conj().T
    out = np.zeros((4, 4), complex)
    for a in range(2):
        fix = on(np.linalg.matrix_power(PAULI_X, a), 2, 4)
        then = on(HADAMARD, 2, 4) @ cnot(2, 3, 4) @ fix
        measured = then @ projected(joint, {1: a}) @ then.conj().T
        for b in range(2):
            correct = on(np.linalg.matrix_power(PAULI_Z, b), 0, 4)
            out += trace_out(correct @ projected(measured, {2: b}) @ correct.conj().T, [0, 3])
    return out


@pytest.mark.parametrize("fidelity", FIDELITIES)
def test_a_teleported_cx_with_a_werner_pair_is_the_gate_and_then_z_or_x_errors(fidelity: float) -> None:
    gate, share = cnot(0, 1, 2), (1 - fidelity) / 3
    z, x = on(PAULI_Z, 0, 2), on(PAULI_X, 1, 2)
    for psi in random_states(2, 3):
        ideal = np.outer(gate @ psi, (gate @ psi).conj())
        expected = fidelity * ideal + share * sum(e @ ideal @ e.conj().T for e in (z, x, z @ x))
        assert close(teleported_cnot(np.outer(psi, psi.conj()), bell_pairs.werner_state(fidelity)), expected)
    # average = (d F_e + 1) / (d + 1) with d = 4 and F_e = F: the three errors are traceless
    assert close(bell_pairs.teleported_gate_fidelity(fidelity), (4 * fidelity + 1) / 5)


@pytest.mark.parametrize("weights", STATES)
def test_error_rates_are_probabilities_of_outcomes_that_phi_plus_never_gives(weights: np.ndarray) -> None:
    rho = pair(weights)
    correct = [1, -1, 1]  # X and Z outcomes of Phi+ agree, Y outcomes differ
    errors = [
        (1 - sign * np.real(np.trace(rho @ np.kron(p, p)))) / 2
        for sign, p in zip(correct, (PAULI_X, PAULI_Y, PAULI_Z), strict=True)
    ]
    assert close(bell_pairs.qber_of_state(weights), errors)


def test_chsh_value_is_that_of_the_best_settings() -> None:
    for fidelity in FIDELITIES:
        rho = pair(bell_pairs.werner_state(fidelity))
        plus, minus = (PAULI_Z + PAULI_X) / np.sqrt(2), (PAULI_Z - PAULI_X) / np.sqrt(2)
        operator = np.kron(PAULI_Z, plus + minus) + np.kron(PAULI_X, plus - minus)
        assert close(np.real(np.trace(rho @ operator)), bell_pairs.chsh_value(fidelity))


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


@pytest.mark.parametrize("weights", STATES)
def test_dark_counts_mix_in_the_maximally_mixed_pair(weights: np.ndarray) -> None:
    signal, dark = 0.01, 0.002
    rho = signal * pair(weights) + (1 - signal) * dark * np.eye(4) / 4
    heralded = np.real(np.trace(rho))
    assert close(heralded, bell_pairs.heralded_probability(signal, dark))
    assert close(bell_weights(rho / heralded), bell_pairs.heralded_state(weights, signal, dark))


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


@pytest.mark.parametrize(("p", "cutoff"), [(0.5, 1), (0.1, 5), (0.1, 0), (0.3, 20), (1.0, 3)])
def test_waiting_for_two_links_is_the_hitting_time_of_a_markov_chain(p: float, cutoff: int) -> None:
    """States: nobody has a pair (0), or one has, with k further attempts left (k = cutoff .. 1)."""
    q = 1 - p
    matrix, ones = np.eye(cutoff + 1), np.ones(cutoff + 1)
    matrix[0, 0] -= q * q
    matrix[0, cutoff] -= 2 * p * q  # with cutoff 0: back to the start
    for left in range(1, cutoff + 1):
        matrix[left, left - 1] -= q
    expected = np.linalg.solve(matrix, ones)[0]
    assert bell_pairs.two_link_attempts_with_cutoff(p, cutoff) == pytest.approx(expected, rel=1e-11)
    assert bell_pairs.two_link_attempts_with_cutoff(p, cutoff, 0.5) == pytest.approx(2 * expected, rel=1e-11)
