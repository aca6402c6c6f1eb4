"""Every closed form of a Bell pair, against density matrices and circuits."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from ceas_ray.quantum import bell_pairs
from ceas_ray.quantum.bell_pairs import Idling
from tests.quantum.density_matrices import (
    BELL_DIAGONAL,
    HADAMARD,
    PAULI_I,
    PAULI_X,
    PAULI_Y,
    PAULI_Z,
    bell_weights,
    channel,
    close,
    cnot,
    dephasing,
    depolarizing,
    on,
    pair,
    projected,
    relaxation,
    trace_out,
)

FIDELITIES = [0.25, 0.5, 0.7, 0.83, 0.97, 1.0]


@pytest.mark.parametrize("weights", BELL_DIAGONAL)
def test_correlations_are_expectations_of_pauli_products(weights: np.ndarray) -> None:
    rho = pair(weights)
    expected = [np.real(np.trace(rho @ np.kron(p, p))) for p in (PAULI_X, PAULI_Y, PAULI_Z)]
    assert close(bell_pairs.correlations(weights), expected)
    assert close(bell_pairs.state_of_correlations(*expected), weights)


@pytest.mark.parametrize("weights", BELL_DIAGONAL)
def test_decay_is_depolarizing_kraus_operators_on_each_half(weights: np.ndarray) -> None:
    rho = channel(channel(pair(weights), depolarizing(np.exp(-0.3)), 0), depolarizing(np.exp(-0.1)), 1)
    total = bell_pairs.pair_coherence_time(1 / 0.3, 1 / 0.1)
    assert close(bell_weights(rho), bell_pairs.decayed_state(weights, 1.0, total))
    alone = channel(pair(weights), depolarizing(np.exp(-0.3)), 1)
    assert close(bell_weights(alone), bell_pairs.decayed_state(weights, 0.3, 1.0))


@pytest.mark.parametrize("weights", BELL_DIAGONAL)
def test_dephasing_is_phase_flips_on_each_half(weights: np.ndarray) -> None:
    rho = channel(channel(pair(weights), dephasing(np.exp(-0.2)), 0), dephasing(np.exp(-0.2)), 1)
    assert close(bell_weights(rho), bell_pairs.dephased_state(weights, 0.2, 0.5))


@pytest.mark.parametrize("weights", BELL_DIAGONAL)
def test_attempts_that_erase_the_phase_are_so_many_phase_flips(weights: np.ndarray) -> None:
    rho = pair(weights)
    for _ in range(3):
        rho = channel(rho, dephasing(1 - 0.15), 0)
    assert close(bell_weights(rho), bell_pairs.dephased_by_attempts(weights, 3, 0.15))


@pytest.mark.parametrize("weights", BELL_DIAGONAL)
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
    for weights in BELL_DIAGONAL:
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


@pytest.mark.parametrize("first", BELL_DIAGONAL[:4])
@pytest.mark.parametrize("second", BELL_DIAGONAL[3:])
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


@pytest.mark.parametrize("first", BELL_DIAGONAL[:5])
@pytest.mark.parametrize("second", BELL_DIAGONAL[1:7])
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


@pytest.mark.parametrize("weights", BELL_DIAGONAL)
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
