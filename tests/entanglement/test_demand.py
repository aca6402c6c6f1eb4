"""Demands: what key paths take to meet them, and what cannot be met is refused."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ceas_ray.entanglement.demand import key_path_seconds, mean_greatest
from ceas_ray.kernel.time import picoseconds
from ceas_ray.network.route import Route, Swapping
from tests.entanglement.demands import demand
from tests.links.routes import distil
from tests.network.hardware import HARDWARE


@given(shots=st.integers(1, 300), seed=st.integers(0, 1000))
def test_releases_are_bursts_of_a_period_each(shots: int, seed: int) -> None:
    link, asked = HARDWARE.link(2.0, 0.97), demand()
    releases = asked.releases(link, shots, np.random.default_rng(seed))
    period = asked.shot_period(link)
    assert len(releases) == shots
    steps = np.diff(releases)
    assert (steps >= period).all()
    within = np.ones(len(steps), bool)
    within[7::8] = False
    assert (steps[within] == period).all()


def test_the_reference_link_has_the_useful_age_of_the_reference() -> None:
    link = HARDWARE.link(1.0, 0.97)
    assert link.rate == pytest.approx(9600)
    assert demand(min_fidelity=0.9).useful_age(link) == pytest.approx(3.07e9, rel=2e-3)
    assert demand().useful_age(link) == pytest.approx(3.0e9)


def test_what_yields_no_key_or_no_pair_is_refused() -> None:
    good, bad = HARDWARE.link(1.0, 0.97), HARDWARE.link(1.0, 0.86)
    with pytest.raises(ValueError, match="to yield a key"):
        key_path_seconds(Route.of([good, bad], Swapping(0.98)), 100, demand())
    with pytest.raises(ValueError, match=r"entanglement\.min_fidelity must be below"):
        demand(min_fidelity=0.9).useful_age(bad)


def test_key_slots_are_long_enough_for_what_they_must_distil() -> None:
    """The margin is over the mean: see the books of the whole simulation for what comes of it."""
    short, longer = (
        key_path_seconds(
            Route.of([HARDWARE.link(length, 0.97), HARDWARE.link(0.5, 0.98)], Swapping(0.98)), 244, demand()
        )
        for length in (1.0, 5.0)
    )
    assert 0 < short < longer


def test_the_mean_greatest_of_exponential_times() -> None:
    assert mean_greatest([4.0]) == pytest.approx(0.25)
    assert mean_greatest([1.0] * 4) == pytest.approx(25 / 12)
    times = np.random.default_rng(1).exponential([1.0, 0.5, 2.0], (200000, 3)).max(axis=1)
    assert mean_greatest([1.0, 2.0, 0.5]) == pytest.approx(times.mean(), rel=0.01)


@pytest.mark.parametrize("number", [11, 40, 200])
def test_the_mean_greatest_time_of_many_legs_is_a_harmonic_sum_where_all_are_alike(number: int) -> None:
    harmonic = sum(1 / (k + 1) for k in range(number))
    assert mean_greatest([2.0] * number) == pytest.approx(harmonic / 2, rel=1e-9)


def test_the_mean_greatest_time_of_many_legs_grows_by_little_with_a_leg_that_is_fast() -> None:
    few = [0.5 + 0.1 * k for k in range(10)]
    assert mean_greatest([*few, 1e6]) == pytest.approx(mean_greatest(few), rel=1e-5)


@pytest.mark.parametrize("swapping", [Swapping(0.98), Swapping(0.98, 0.8), Swapping(0.98, purification_rounds=1)])
@pytest.mark.parametrize("number", [1, 2, 4])
def test_key_slots_of_routes_suffice_and_are_not_far_too_long(number: int, swapping: Swapping) -> None:
    legs = [HARDWARE.link(length, 0.985) for length in (1.0, 0.5, 2.0, 1.0)[:number]]
    length = picoseconds(key_path_seconds(Route.of(legs, swapping), 2000, demand()))
    bits, _, _ = distil(legs, 1, length, wanted=1e9, useful_age=demand().key_useful_age, swapping=swapping)
    assert 2000 <= bits <= 8000


def test_routes_that_yield_no_key_are_refused() -> None:
    with pytest.raises(ValueError, match=r"to yield a key, got 0\.7"):
        key_path_seconds(Route.of([HARDWARE.link(1.0, 0.95)] * 5, Swapping(0.98)), 100, demand())
