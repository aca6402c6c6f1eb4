"""A route is as good as its links and swaps."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from ceas_ray.network.line import Line
from ceas_ray.network.route import Route, Swapping
from ceas_ray.quantum.bell_pairs import swapped_fidelity
from tests.network.hardware import HARDWARE
from tests.network.networks import built


def test_a_route_is_as_good_as_its_links_and_swaps() -> None:
    route = built(Line(9, 2.0, 0.95, "fidelity"), 1, processors=4).processor_routes[-1]
    assert len(route.legs) == 4
    expected = 0.95
    for _ in range(3):
        expected = float(swapped_fidelity(expected, 0.95)) - 0.25
        expected = 0.25 + expected * 0.98
    assert route.fidelity == pytest.approx(expected)
    assert route.latency == 4 * route.legs[0].latency
    assert route.rate == route.legs[0].rate


LEGS = [HARDWARE.link(1.0, 0.97), HARDWARE.link(4.0, 0.95), HARDWARE.link(2.0, 0.96)]


def test_a_chain_from_its_other_end_has_everything_in_the_other_order() -> None:
    route = Route.of(LEGS, Swapping(0.98))
    back = route.reversed()
    assert (back.links, back.nodes) == (route.links[::-1], route.nodes[::-1])
    assert back.reversed() == route
    assert (back.rate, back.latency) == (route.rate, route.latency)
    assert back.fidelity == pytest.approx(route.fidelity)


def test_a_chain_without_its_beginning_joins_again_what_was_left_out() -> None:
    route = Route.of(LEGS, Swapping(0.98))
    first = Route(route.legs[:1], route.links[:1], route.nodes[:2], route.swapping)
    assert first.then(route.without(1)) == route


def test_the_slowest_link_decides_the_rate_and_the_attempts_of_a_route() -> None:
    route = Route.of(LEGS, Swapping(0.98, success=0.5))
    assert route.slowest == LEGS[1]
    assert route.rate == pytest.approx(LEGS[1].rate * 0.25)
    assert (route.attempt_period, route.modes, route.success_probability) == (
        LEGS[1].attempt_period, LEGS[1].modes, LEGS[1].success_probability)  # fmt: skip
    assert route.latency == sum(leg.latency for leg in LEGS)


def test_purification_takes_at_least_half_of_the_pairs_for_their_fidelity() -> None:
    """BBPSSW at F = .8 gives .838150289 with probability .768888889."""
    fidelity, kept = Swapping(0.98, purification_rounds=1).purified(HARDWARE.link(1.0, 0.8))
    assert (fidelity, kept) == pytest.approx((0.838150289, 0.768888889 / 2))
    assert Route.of(LEGS, Swapping(0.98, purification_rounds=2)).raw_pairs == 4 * len(LEGS)


def test_a_target_takes_no_more_rounds_than_fresh_pairs_need() -> None:
    swapping = Swapping(0.98, purification_rounds=4, purification_target=0.96)
    rounds = [swapping.rounds_of(leg) for leg in LEGS]
    assert rounds[0] == 0, "its pairs are good enough as they are"
    assert 0 < rounds[1] <= 4
    assert swapping.rounds_of(replace(LEGS[0], purification_rounds=3)) == 3, "a link's own number comes first"
    assert swapping.max_rounds([*LEGS, replace(LEGS[0], purification_rounds=3)]) == 3


def test_two_unequal_outer_memories_decay_together_as_their_harmonic_mean() -> None:
    legs = [replace(LEGS[0], coherence_seconds=1.0), LEGS[1], replace(LEGS[2], coherence_seconds=3.0)]
    route = Route.of(legs, Swapping(0.98))
    assert route.coherence_seconds == pytest.approx(1.5)
    age = route.age_at_fidelity(0.8)
    assert 0.25 + (route.fidelity - 0.25) * math.exp(-2 * age / 1.5) == pytest.approx(0.8)
