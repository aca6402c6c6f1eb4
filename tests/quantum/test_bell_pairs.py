"""Closed forms: at values that were computed independently, and the laws between them."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ceas_ray.quantum import bell_pairs
from ceas_ray.quantum.bell_pairs import Idling

FIDELITIES = st.floats(0.25, 1.0)
AGES = st.floats(0, 50)
COHERENCE = st.floats(1e-3, 1e3)
SHARES = st.floats(0, 1)


@st.composite
def bell_states(draw: st.DrawFn) -> np.ndarray:
    """Bell-diagonal weights, zeros among them."""
    raw = np.array(draw(st.lists(st.sampled_from([0.0, 1.0]) | st.floats(1e-6, 1), min_size=4, max_size=4)))
    return raw / raw.sum() if raw.sum() > 0 else np.array([0.0, 0.0, 0.0, 1.0])


def werner(fidelity: float) -> np.ndarray:
    return bell_pairs.werner_state(fidelity)


def second_round(fidelity: float) -> float:
    """The fidelity after two rounds of DEJMPS on four Werner pairs."""
    state, _ = bell_pairs.dejmps(werner(fidelity), werner(fidelity))
    return float(bell_pairs.dejmps(state, state)[0][0])


def second_success(fidelity: float) -> float:
    state, _ = bell_pairs.dejmps(werner(fidelity), werner(fidelity))
    return float(bell_pairs.dejmps(state, state)[1])


def idle(age: float) -> Idling:
    return Idling(age, 10e-3, 5e-3)


KNOWN: list[tuple[Callable[[], Any], float, float]] = [
    # (computed, expected, half a unit of the last digit that is known)
    (lambda: 30e-6 * bell_pairs.expected_attempts(0.1), 3.0e-4, 1e-12),
    (lambda: 30e-6 * bell_pairs.attempts_deviation(0.1), 2.84605e-4, 5e-10),
    (lambda: bell_pairs.success_within(0.1, 20), 0.878423345, 5e-10),
    (lambda: bell_pairs.decayed_fidelity(0.95, 0.5, 1.0), 0.674571462, 5e-10),
    (lambda: bell_pairs.decayed_fidelity(0.9, 0.1, 0.1), 0.489121637, 5e-10),
    (lambda: bell_pairs.decayed_fidelity(0.95, 0.5, bell_pairs.pair_coherence_time(1, 1)), 0.507515609, 5e-10),
    (lambda: bell_pairs.decayed_fidelity(0.9, 0.1, bell_pairs.pair_coherence_time(0.1, 0.1)), 0.337967934, 5e-10),
    (lambda: bell_pairs.relaxed_state([1, 0, 0, 0], idle(1e-3), idle(1e-3))[0], 0.792106691, 5e-10),
    (lambda: bell_pairs.relaxed_state([1, 0, 0, 0], idle(1e-3), Idling(0))[0], 0.885574731, 5e-10),
    (lambda: bell_pairs.cutoff_age(0.95, 0.8, 1e-3), 2.411620568e-4, 5e-14),
    (lambda: bell_pairs.swapped_fidelity(0.9, 0.9), 0.813333333, 5e-10),
    (lambda: bell_pairs.swapped_fidelity(0.95, 0.8), 0.763333333, 5e-10),
    (lambda: bell_pairs.fidelity_of_werner(bell_pairs.werner_parameter(0.95) ** 4), 0.819125926, 5e-10),
    (lambda: bell_pairs.bbpssw(0.7, 0.7)[0], 0.735294118, 5e-10),
    (lambda: bell_pairs.bbpssw(0.7, 0.7)[1], 0.68, 1e-12),
    (lambda: bell_pairs.bbpssw(0.8, 0.8)[0], 0.838150289, 5e-10),
    (lambda: bell_pairs.bbpssw(0.8, 0.8)[1], 0.768888889, 5e-10),
    (lambda: second_round(0.7), 0.845945946, 5e-10),
    (lambda: second_success(0.7), 0.640138408, 5e-10),
    (lambda: bell_pairs.teleportation_fidelity(0.9), 0.933333333, 5e-10),
    (lambda: bell_pairs.teleported_gate_fidelity(0.9), 0.92, 1e-12),
    (lambda: bell_pairs.chsh_value(0.9), 2.451303508, 5e-10),
    (lambda: bell_pairs.chsh_value(0.780330086), 2.0, 5e-9),
    (lambda: bell_pairs.key_rate(0.99), 0.884, 5e-4),
    (lambda: bell_pairs.key_rate(0.97), 0.717, 5e-4),
    (lambda: bell_pairs.key_rate(0.95), 0.578315399, 5e-10),
    (lambda: bell_pairs.key_rate(0.90), 0.293281330, 5e-10),
    (lambda: bell_pairs.two_link_attempts(0.5), 2.666667, 5e-7),
    (lambda: bell_pairs.two_link_attempts(0.1), 14.736842, 5e-7),
    (lambda: bell_pairs.two_link_attempts_with_cutoff(0.5, 1), 3.0, 1e-12),
    (lambda: bell_pairs.two_link_attempts_with_cutoff(0.1, 5), 20.751172, 5e-7),
    (lambda: bell_pairs.two_link_attempts_with_cutoff(0.1, 20), 15.353440, 5e-7),
    (lambda: bell_pairs.key_rate(bell_pairs.swapped_fidelity(0.97, 0.97)), 0.523, 5e-4),
    (lambda: bell_pairs.key_rate(bell_pairs.swapped_fidelity(0.96, 0.96)), 0.411, 5e-4),
    (lambda: bell_pairs.key_rate(bell_pairs.swapped_fidelity(0.95, 0.95)), 0.310, 5e-4),
    (lambda: bell_pairs.key_rate(bell_pairs.swapped_fidelity(0.94, 0.94)), 0.218, 5e-4),
    (lambda: bell_pairs.key_rate(bell_pairs.swapped_fidelity(0.92, 0.92)), 0.056, 5e-4),
    (lambda: bell_pairs.key_rate(bell_pairs.swapped_fidelity(0.9124, 0.9124)), 0.0, 5e-4),
]


@pytest.mark.parametrize(("computed", "expected", "within"), KNOWN)
def test_values_computed_independently(computed: Callable[[], Any], expected: float, within: float) -> None:
    assert float(computed()) == pytest.approx(expected, abs=within)


def test_fidelities_alone_would_be_wrong_in_the_second_round() -> None:
    first, _ = bell_pairs.bbpssw(0.7, 0.7)
    again, success = bell_pairs.bbpssw(first, first)
    assert (round(float(again), 4), round(float(success), 4)) == (0.7732, 0.7093)
    assert again < second_round(0.7)


# --- laws ----------------------------------------------------------


@given(FIDELITIES, FIDELITIES, AGES, COHERENCE, SHARES)
def test_werner_pairs_are_the_special_case_of_bell_diagonal_ones(
    first: float, second: float, age: float, coherence: float, share: float
) -> None:
    a, b = werner(first), werner(second)
    pairs = [
        (bell_pairs.swapped_state(a, b), bell_pairs.swapped_fidelity(first, second)),
        (bell_pairs.decayed_state(a, age, coherence), bell_pairs.decayed_fidelity(first, age, coherence)),
        (bell_pairs.depolarized_state(a, share), bell_pairs.depolarized_fidelity(first, share)),
        (bell_pairs.heralded_state(a, share, 0.1), bell_pairs.heralded_fidelity(first, share, 0.1)),
        (bell_pairs.twirled_state(a), first),
    ]
    for state, fidelity in pairs:
        np.testing.assert_allclose(state, werner(float(fidelity)), rtol=0, atol=1e-12)
    np.testing.assert_allclose(bell_pairs.qber_of_state(a), bell_pairs.qber(first), atol=1e-12)
    assert bell_pairs.key_rate_of_state(a) == pytest.approx(float(bell_pairs.key_rate(first)), abs=1e-9)


@given(bell_states(), bell_states(), AGES, COHERENCE, SHARES)
def test_weights_stay_a_distribution(
    first: np.ndarray, second: np.ndarray, age: float, coherence: float, share: float
) -> None:
    memories = Idling(age, coherence, 1.7 * coherence), Idling(2 * age, 3 * coherence, 6 * coherence * max(share, 1e-9))
    for state in (
        bell_pairs.decayed_state(first, age, coherence), bell_pairs.dephased_state(first, age, coherence),
        bell_pairs.relaxed_state(first, *memories), bell_pairs.swapped_state(first, second),
        bell_pairs.dejmps(first, second)[0], bell_pairs.twirled_state(first),
        bell_pairs.depolarized_state(first, share), bell_pairs.heralded_state(first, share, 0.01),
        bell_pairs.dephased_by_attempts(first, age, share), bell_pairs.single_click_state(share / 2, share),
    ):  # fmt: skip
        assert state.min() >= 0
        assert state.sum() == pytest.approx(1, abs=1e-12)
        bell_pairs.twirled_state(state)  # and is accepted again


@given(FIDELITIES, bell_states(), AGES, AGES, COHERENCE)
def test_decay_is_a_semigroup(
    fidelity: float, state: np.ndarray, first: float, second: float, coherence: float
) -> None:
    decayed = bell_pairs.decayed_fidelity(bell_pairs.decayed_fidelity(fidelity, first, coherence), second, coherence)
    at_once = bell_pairs.decayed_fidelity(fidelity, first + second, coherence)
    assert decayed == pytest.approx(float(at_once), abs=1e-12)
    for law in (bell_pairs.decayed_state, bell_pairs.dephased_state):
        twice = law(law(state, first, coherence), second, coherence)
        np.testing.assert_allclose(twice, law(state, first + second, coherence), atol=1e-12)


@given(bell_states(), bell_states(), bell_states())
def test_swapping_commutes_and_associates(a: np.ndarray, b: np.ndarray, c: np.ndarray) -> None:
    swap = bell_pairs.swapped_state
    np.testing.assert_allclose(swap(a, b), swap(b, a), atol=1e-14)
    np.testing.assert_allclose(swap(swap(a, b), c), swap(a, swap(b, c)), atol=1e-14)
    np.testing.assert_allclose(swap(a, [1, 0, 0, 0]), a, atol=1e-15)
    signs = np.array([1, -1, 1])  # the correlations of Phi+
    products = bell_pairs.correlations(a) * bell_pairs.correlations(b) * signs
    np.testing.assert_allclose(bell_pairs.correlations(swap(a, b)), products, atol=1e-14)


@given(FIDELITIES, AGES, AGES, COHERENCE)
def test_fidelity_never_rises_with_age(fidelity: float, age: float, more: float, coherence: float) -> None:
    young, old = (bell_pairs.decayed_fidelity(fidelity, t, coherence) for t in (age, age + more))
    assert 0.25 <= old <= young <= fidelity


@given(st.floats(0.3, 1.0), st.floats(0.001, 1.0), COHERENCE)
def test_cutoff_age_is_the_inverse_of_decay(initial: float, share: float, coherence: float) -> None:
    least = 0.25 + share * (initial - 0.25)
    age = bell_pairs.cutoff_age(initial, min(least, initial), coherence)
    assert bell_pairs.decayed_fidelity(initial, age, coherence) == pytest.approx(least, abs=1e-12)
    assert bell_pairs.cutoff_age(initial, initial, coherence) == 0.0


@given(FIDELITIES, FIDELITIES)
def test_dejmps_on_werner_pairs_is_bbpssw_in_the_first_round(first: float, second: float) -> None:
    state, success = bell_pairs.dejmps(werner(first), werner(second))
    fidelity, probability = bell_pairs.bbpssw(first, second)
    assert state[0] == pytest.approx(float(fidelity), abs=1e-12)
    assert success == pytest.approx(float(probability), abs=1e-12)


@given(st.floats(0.501, 0.999))
def test_purification_gains_above_one_half(fidelity: float) -> None:
    assert bell_pairs.bbpssw(fidelity, fidelity)[0] > fidelity
    assert bell_pairs.bbpssw(0.5, 0.5)[0] == pytest.approx(0.5)


def test_pairs_that_can_never_agree_are_never_purified() -> None:
    state, success = bell_pairs.dejmps([1, 0, 0, 0], [0, 0, 1, 0])
    assert success == 0.0
    assert state.tolist() == [0.25] * 4


@given(st.floats(0.01, 1), st.integers(0, 200))
def test_a_longer_cutoff_never_costs_attempts(p: float, cutoff: int) -> None:
    strict, lax, none = (bell_pairs.two_link_attempts_with_cutoff(p, m) for m in (cutoff, cutoff + 1, math.inf))
    slack = 1 + 1e-12
    assert none <= lax * slack <= strict * slack**2 <= 1 / p**2 * slack**3
    assert none == pytest.approx(float(bell_pairs.two_link_attempts(p)), rel=1e-12)


# --- arrays, scalars, refusals ----------------------------------------------------------


def test_arrays_broadcast_and_numbers_stay_numbers() -> None:
    fidelities, ages = np.array([[0.9], [0.95]]), np.array([0.0, 0.1, 0.2])
    assert bell_pairs.decayed_fidelity(fidelities, ages, 1.0).shape == (2, 3)
    assert bell_pairs.decayed_state([1, 0, 0, 0], ages, 1.0).shape == (3, 4)
    assert bell_pairs.swapped_state(np.full((5, 4), 0.25), [1, 0, 0, 0]).shape == (5, 4)
    state, success = bell_pairs.dejmps(np.full((5, 4), 0.25), [1, 0, 0, 0])
    assert (state.shape, success.shape) == ((5, 4), (5,))
    idling = Idling(ages, 1.0, [1.0, 1.5, 2.0])
    assert bell_pairs.relaxed_state([1, 0, 0, 0], idling, Idling(0.1, 1.0, 1.0)).shape == (3, 4)
    assert bell_pairs.min_block([0.99, 0.8]).tolist() == [bell_pairs.min_block(0.99), math.inf]
    for number in (
        bell_pairs.decayed_fidelity(0.9, 1, 2), bell_pairs.cutoff_age(0.9, 0.8, 1), bell_pairs.key_rate(0.9),
        *bell_pairs.bbpssw(0.9, 0.8), bell_pairs.binary_entropy(0.1), bell_pairs.qber(0.9),
        bell_pairs.swapped_fidelity(0.9, 0.9), bell_pairs.dejmps([1, 0, 0, 0], [1, 0, 0, 0])[1],
        bell_pairs.min_block(0.99), *bell_pairs.single_click(0.1, 0.1), bell_pairs.chsh_value(0.9),
    ):  # fmt: skip
        assert isinstance(number, float)
    assert isinstance(bell_pairs.finite_key_length(0.99, 5000), int)


def test_a_memory_with_infinite_coherence_never_decays() -> None:
    assert bell_pairs.decayed_fidelity(0.9, math.inf, math.inf) == pytest.approx(0.9)
    assert bell_pairs.decayed_fidelity(0.9, math.inf, 1.0) == 0.25
    assert bell_pairs.decayed_fidelity(0.9, 1e300, 1e-300) == 0.25
    assert bell_pairs.cutoff_age(0.9, 0.8, math.inf) == math.inf
    assert bell_pairs.pair_coherence_time(math.inf, math.inf) == math.inf


PHI = [1, 0, 0, 0]


@pytest.mark.parametrize(("call", "message"), [
    (lambda: bell_pairs.werner_parameter(1.7), r"fidelity must lie in \[0.25, 1\], got 1.7"),
    (lambda: bell_pairs.decayed_fidelity(0.2, 1, 1), r"fidelity must lie in \[0.25, 1\], got 0.2"),
    (lambda: bell_pairs.decayed_fidelity(math.nan, 1, 1), "fidelity must lie .* got nan"),
    (lambda: bell_pairs.decayed_fidelity(None, 1, 1), "fidelity must lie .* got nan"),
    (lambda: bell_pairs.decayed_fidelity("good", 1, 1), "fidelity must be a number .* got 'good'"),
    (lambda: bell_pairs.decayed_fidelity(0.9, -1, 1), "age must not be negative, got -1.0"),
    (lambda: bell_pairs.decayed_fidelity(0.9, math.nan, 1), "age must not be negative, got nan"),
    (lambda: bell_pairs.decayed_fidelity(0.9, 1, 0), "coherence_time must be positive, got 0.0"),
    (lambda: bell_pairs.decayed_fidelity(0.9, 1, math.nan), "coherence_time must be positive, got nan"),
    (lambda: bell_pairs.decayed_fidelity(np.linspace(0, 1, 500), 1, 1), r"\[0.25, 1\], got 0.0"),
    (lambda: bell_pairs.decayed_state([0.5, 0.5], 1, 1), "must be four numbers"),
    (lambda: bell_pairs.swapped_state([0.5, 0.5, 0.5, 0], PHI), "first weights must be four numbers >= 0 that sum"),
    (lambda: bell_pairs.swapped_state(PHI, [1.5, -0.5, 0, 0]), "second weights must be four numbers"),
    (lambda: bell_pairs.dejmps([math.nan, 0, 0, 1], PHI), "first weights must be four numbers"),
    (lambda: bell_pairs.twirled_state([math.inf, 0, 0, 0]), "must be four numbers"),
    (lambda: bell_pairs.cutoff_age(0.9, 0.95, 1), r"minimum fidelity must lie in \(0.25, initial fidelity 0.9\]"),
    (lambda: bell_pairs.cutoff_age(0.9, 0.25, 1), "minimum fidelity must lie"),
    (lambda: bell_pairs.cutoff_age(0.9, math.nan, 1), "minimum fidelity must lie"),
    (lambda: bell_pairs.relaxed_state(PHI, Idling(1, 1, 2.1), Idling(0)), "t2 must be at most 2 t1"),
    (lambda: bell_pairs.relaxed_state(PHI, Idling(1, math.nan, 1), Idling(0)), "t1 must be positive, got nan"),
    (lambda: bell_pairs.relaxed_state(PHI, Idling(-1, 1, 1), Idling(0)), "age must not be negative"),
    (lambda: bell_pairs.state_of_correlations(1, 1, 1), "weights of these correlations must be"),
    (lambda: bell_pairs.binary_entropy(1.1), r"probability must lie in \[0, 1\], got 1.1"),
    (lambda: bell_pairs.binary_entropy(math.nan), "probability must lie"),
    (lambda: bell_pairs.key_rate(0.2), "fidelity must lie"),
    (lambda: bell_pairs.fidelity_of_werner(1.2), "Werner parameter must lie"),
    (lambda: bell_pairs.expected_attempts(0), r"success probability must lie in \(0, 1\], got 0.0"),
    (lambda: bell_pairs.two_link_attempts(1.5), "success probability must lie"),
    (lambda: bell_pairs.two_link_attempts_with_cutoff(0.5, -1), "cutoff must not be negative"),
    (lambda: bell_pairs.single_click(1.0, 1.0), "must be below 1"),
    (lambda: bell_pairs.single_click(-0.1, 1.0), "bright population must lie"),
    (lambda: bell_pairs.heralded_fidelity(0.9, 0, 0), "probability of a herald must lie in"),
    (lambda: bell_pairs.dephased_by_attempts(PHI, 3, 1.1), "probability must lie"),
    (lambda: bell_pairs.finite_key_length(0.9, 10.5), "sifted must be a whole number"),
    (lambda: bell_pairs.finite_key_length(0.9, -1), "sifted must not be negative"),
    (lambda: bell_pairs.finite_key_length(0.9, 10, test_share=1.5), "test_share must lie"),
    (lambda: bell_pairs.min_block(0.9, epsilon=0), "epsilon must lie"),
    (lambda: bell_pairs.min_block(0.9, error_correction=0.9), "error_correction must be at least 1"),
])  # fmt: skip
def test_impossible_arguments_are_refused_in_one_line(call: Callable[[], Any], message: str) -> None:
    with pytest.raises(ValueError, match=message) as refused:
        call()
    assert "\n" not in str(refused.value)
