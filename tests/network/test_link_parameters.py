"""What a link can do: its hardware's emission and memories, against the closed forms of Bell pairs."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numba import njit

from ceas_ray.network.complete import Complete
from ceas_ray.network.link_parameters import Heterogeneity, LinkDraws, LinkHardware, LinkParameters
from ceas_ray.network.memories import Decay, Dephasing, Depolarizing, Memory, Relaxing, fidelity_at, pair_decay
from ceas_ray.quantum import bell_pairs
from ceas_ray.quantum.bell_pairs import Idling
from ceas_ray.quantum.emission import Heralded, SingleClick
from ceas_ray.quantum.pair_physics import Pair, aged
from tests.network.hardware import HARDWARE

PAIRS: list[tuple[Memory, Memory]] = [
    (Depolarizing(0.06), Depolarizing(0.02)), (Dephasing(0.4), Dephasing(0.1)),
    (Relaxing(0.025, 0.034), Relaxing(1, 2)),
    (Relaxing(0.01, 0.001), Dephasing(0.02)), (Depolarizing(0.5), Relaxing(0.3, 0.1)),
]  # fmt: skip


def hardware(
    memories: tuple[Memory, Memory] | None = None, emission: Heralded | SingleClick | None = None
) -> LinkHardware:
    return replace(HARDWARE, memories=memories, emission=emission)


def decayed_by_loop(weights: np.ndarray, decay: Decay, age: float) -> np.ndarray:
    """What a compiled loop computes from a `Decay`."""
    x, y, z = bell_pairs.correlations(weights)
    damped = math.prod(1 - math.exp(-memory.damping * age) for memory in decay)
    kept = [math.exp(-(one + other) * age) for one, other in zip(decay.start[:3], decay.end[:3], strict=True)]
    return bell_pairs.state_of_correlations(x * kept[0], y * kept[1], z * kept[2] + damped)


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


@pytest.mark.parametrize("memories", PAIRS)
@pytest.mark.parametrize("age", [0.0, 1e-4, 0.01, 0.2])
def test_a_pair_decays_as_its_two_memories_say(memories: tuple[Memory, Memory], age: float) -> None:
    link = hardware(memories, SingleClick(0.05, 1e-4)).link(2.0, 0.95)
    state = decayed_by_loop(link.birth_weights(), link.decay, age)
    np.testing.assert_allclose(state, decayed_by_formulas(link.birth_weights(), memories, age), atol=1e-12)
    assert fidelity_at(link.birth_weights(), link.decay, np.array(age)) == pytest.approx(state[0], abs=1e-12)


def test_a_plain_link_has_werner_pairs_in_two_equal_depolarizing_memories() -> None:
    link = HARDWARE.link(1.0, 0.97)
    np.testing.assert_array_equal(link.birth_weights(), [0.97, *[(1 - 0.97) / 3] * 3])
    assert link.decay == (Depolarizing(0.06).rates,) * 2 == ((1 / 0.06, 1 / 0.06, 1 / 0.06, 0.0),) * 2
    assert link.age_at_fidelity(0.9) == pytest.approx(float(bell_pairs.cutoff_age(0.97, 0.9, 0.03)), rel=1e-12)
    assert link.age_at_fidelity(0.9) == pytest.approx(3.07e-3, rel=2e-3)
    assert link.rate == pytest.approx(9600)
    assert (link.attempt_dephasing, link.swap_success) == (0.0, 1.0)


def test_heralding_without_dark_counts_changes_no_bit() -> None:
    for km in (0.5, 1.0, 3.7):
        plain, heralded = HARDWARE.link(km, 0.963), hardware(emission=Heralded(0.0)).link(km, 0.963)
        assert replace(heralded, weights=None) == replace(plain, weights=None)
        assert plain.birth_weights().tolist() == heralded.birth_weights().tolist()


def test_dark_counts_tie_fidelity_and_success_to_length() -> None:
    links = [hardware(emission=Heralded(1e-5)).link(km, 0.97) for km in (1.0, 20.0, 80.0)]
    assert [link.fidelity for link in links] == sorted((link.fidelity for link in links), reverse=True)
    signal = 0.012 * 10 ** (-0.2 * 79 / 10)
    assert links[2].fidelity == pytest.approx(float(bell_pairs.heralded_fidelity(0.97, signal, 1e-5)))
    assert links[2].success_probability == pytest.approx(float(bell_pairs.heralded_probability(signal, 1e-5)))
    assert links[2].birth_weights()[0] == links[2].fidelity


def test_a_single_click_crosses_half_of_the_link() -> None:
    link = hardware(emission=SingleClick(0.1, 0.0)).link(51.0, 1.0)
    efficiency = 0.012 * 10 ** (-0.2 * 25 / 10)
    fidelity, success = bell_pairs.single_click(0.1, efficiency)
    assert link.fidelity == pytest.approx(float(fidelity))
    assert link.success_probability == pytest.approx(float(success))
    np.testing.assert_allclose(link.birth_weights(), bell_pairs.single_click_state(0.1, efficiency), atol=1e-15)


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


def test_direct_links_have_no_end_at_the_hub() -> None:
    spread = Heterogeneity(
        min_km=0.5,
        max_km=5,
        min_fidelity=0.94,
        mean_fidelity=0.97,
        max_fidelity=0.985,
        replica_km=0.5,
        replica_fidelity=0.98,
    )
    unequal = hardware((Depolarizing(1.0), Dephasing(0.1)))
    network = Complete().build(3, 4, LinkDraws(unequal, spread, np.random.default_rng(1)))
    assert {link.decay for link in network.direct_links.values()} == {pair_decay(Dephasing(0.1), Dephasing(0.1))}
    assert {link.decay for link in network.processor_links} == {pair_decay(Depolarizing(1.0), Dephasing(0.1))}


@njit
def _zz_left(decay, zz, age):  # type: ignore[no-untyped-def]
    return aged(Pair(0.0, 0.0, zz, 0.0, 0.0), decay.start, age, decay.end, age).zz


def test_compiled_loops_take_a_decay() -> None:
    decay = hardware(PAIRS[2]).link(1.0, 0.97).decay
    expected = bell_pairs.correlations(decayed_by_loop(np.array([0.97, 0.01, 0.01, 0.01]), decay, 0.01))[2]
    assert _zz_left(decay, 0.96, 0.01) == pytest.approx(expected, abs=1e-12)


def test_a_link_that_never_succeeds_is_refused() -> None:
    with pytest.raises(ValueError, match="must succeed at least once in 1e12"):
        HARDWARE.link(1000.0, 0.97)


@pytest.mark.parametrize(("make", "message"), [
    (lambda: Relaxing(1.0, 2.1), "T2 must be at most 2 T1"),
    (lambda: Depolarizing(0.0), "coherence time of a memory must be positive"),
    (lambda: Dephasing(math.nan), "T2 of a memory must be positive"),
    (lambda: Heralded(1.5), "dark count probability must lie in"),
    (lambda: SingleClick(0.6, 0.0), r"bright population must lie in \(0, 0.5\]"),
])  # fmt: skip
def test_impossible_hardware_is_refused(make: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()  # type: ignore[operator]


def test_links_compare_by_value() -> None:
    assert HARDWARE.link(1.0, 0.97) == LinkParameters(1.0, 20_000_000, 16, 0.012, 0.97, 0.06)
