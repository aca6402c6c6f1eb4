"""What a link can do: its hardware's emission and memories, against the closed forms of Bell pairs."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from ceas_ray.network.link_parameters import LinkParameters
from ceas_ray.network.memories import Dephasing, Depolarizing, Relaxing
from ceas_ray.quantum import bell_pairs
from ceas_ray.quantum.emission import Heralded, SingleClick
from tests.network.hardware import HARDWARE
from tests.network.links import hardware


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
