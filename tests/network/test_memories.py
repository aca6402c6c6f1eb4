"""Memories: how a pair decays in them, and when its fidelity first falls to a bound."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numba import njit

from ceas_ray.network.memories import Dephasing, Depolarizing, Memory, Relaxing, fidelity_at, kept_by, pair_decay
from ceas_ray.quantum import bell_pairs
from ceas_ray.quantum.bell_pairs import Idling
from ceas_ray.quantum.emission import SingleClick
from ceas_ray.quantum.pair_physics import Pair, aged
from tests.network.hardware import HARDWARE
from tests.network.links import PAIRS, decayed_by_loop, hardware


def decayed_by_formulas(weights: np.ndarray, memories: tuple[Memory, Memory], age: float) -> np.ndarray:
    """The same, each half by the closed form of its own memory, relaxation of both halves last and at once."""
    idling = [Idling(0.0), Idling(0.0)]
    for half, memory in enumerate(memories):
        match memory:
            case Depolarizing(coherence):
                weights = bell_pairs.decayed_state(weights, age, coherence)
            case Dephasing(t2):
                weights = bell_pairs.dephased_state(weights, age, t2)
            case Relaxing(t1, t2):
                idling[half] = Idling(age, t1, t2)
    return bell_pairs.relaxed_state(weights, *idling)


@pytest.mark.parametrize("memory", [Depolarizing(0.3), Dephasing(0.2), Relaxing(0.3, 0.4)])
def test_a_memory_keeps_of_a_qubit_what_is_left_of_the_fidelity_of_one_half_of_a_pair(memory: Memory) -> None:
    perfect, eternal = np.array([1.0, 0.0, 0.0, 0.0]), Depolarizing(1e30)
    fidelity = fidelity_at(perfect, pair_decay(eternal, memory), np.array(0.1))
    assert kept_by(memory.rates, 0.1) == pytest.approx((4 * fidelity - 1) / 3, abs=1e-12)


@pytest.mark.parametrize("memories", PAIRS)
@pytest.mark.parametrize("age", [0.0, 1e-4, 0.01, 0.2])
def test_a_pair_decays_as_its_two_memories_say(memories: tuple[Memory, Memory], age: float) -> None:
    link = hardware(memories, SingleClick(0.05, 1e-4)).link(2.0, 0.95)
    state = decayed_by_loop(link.birth_weights(), link.decay, age)
    np.testing.assert_allclose(state, decayed_by_formulas(link.birth_weights(), memories, age), atol=1e-12)
    assert fidelity_at(link.birth_weights(), link.decay, np.array(age)) == pytest.approx(state[0], abs=1e-12)


@given(st.sampled_from(PAIRS), st.floats(0.02, 1.0), st.floats(0.8, 1.0))
def test_the_age_at_a_fidelity_is_the_first_at_which_it_is_reached(
    memories: tuple[Memory, Memory], share: float, fidelity: float
) -> None:
    link = hardware(memories).link(1.0, fidelity)
    least = 0.25 + share * (fidelity - 0.25)
    age = link.age_at_fidelity(min(least, fidelity))
    weights, ages = link.birth_weights(), np.linspace(0, min(age, 100.0), 500)
    before = fidelity_at(weights, link.decay, ages)
    assert np.all(before >= least - 1e-9)
    if age < math.inf:
        assert fidelity_at(weights, link.decay, np.array(age)) == pytest.approx(least, abs=1e-9)


def test_a_dephasing_pair_never_falls_to_one_half() -> None:
    link = hardware((Dephasing(0.1), Dephasing(0.1))).link(1.0, 1.0)
    assert link.age_at_fidelity(0.5) == math.inf
    assert link.age_at_fidelity(0.75) == pytest.approx(0.05 * math.log(2), rel=1e-9)
    assert link.age_at_fidelity(1.0) == 0.0


def test_the_age_is_of_the_first_fall_where_relaxation_lets_fidelity_rise_again() -> None:
    link = hardware((Relaxing(1.0, 0.01), Relaxing(1.0, 0.01))).link(1.0, 1.0)
    at = link.age_at_fidelity(0.45)
    assert fidelity_at(link.birth_weights(), link.decay, np.array(at + 0.3)) < 0.45
    assert fidelity_at(link.birth_weights(), link.decay, np.array(20.0)) > 0.45


@pytest.mark.parametrize("least", [0.25, 0.98, math.nan, 1.5])
def test_a_fidelity_that_is_never_reached_is_refused(least: float) -> None:
    with pytest.raises(ValueError, match="minimum fidelity must lie in"):
        HARDWARE.link(1.0, 0.97).age_at_fidelity(least)


def test_one_coherence_time_stands_in_for_other_memories() -> None:
    """It matches the first loss of fidelity of a perfect pair."""
    for memories in PAIRS:
        link = hardware(memories).link(1.0, 1.0)
        perfect, soon = np.array([1.0, 0, 0, 0]), np.array(1e-7)
        lost = 1 - fidelity_at(perfect, pair_decay(*memories), soon)
        stand_in = 1 - bell_pairs.decayed_fidelity(1.0, 1e-7, link.coherence_seconds / 2)
        assert lost == pytest.approx(stand_in, rel=1e-3)


@njit
def _zz_left(decay, zz, age):  # type: ignore[no-untyped-def]
    return aged(Pair(0.0, 0.0, zz, 0.0, 0.0), decay.start, age, decay.end, age).zz


def test_compiled_loops_take_a_decay() -> None:
    decay = hardware(PAIRS[2]).link(1.0, 0.97).decay
    expected = bell_pairs.correlations(decayed_by_loop(np.array([0.97, 0.01, 0.01, 0.01]), decay, 0.01))[2]
    assert _zz_left(decay, 0.96, 0.01) == pytest.approx(expected, abs=1e-12)
