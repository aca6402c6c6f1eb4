"""Pairs over several links: closed forms, and the same life as in an independent stepper."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ceas_ray.links.simulate_route import Deliveries, simulate_route
from ceas_ray.messages.pair_books import EXPIRED, GENERATED, SACRIFICED, USED
from ceas_ray.network.link_parameters import LinkParameters
from ceas_ray.network.route import Route, Swapping

IDEAL = Swapping(1.0)
TAU = 10**7
"""Ten microseconds in picoseconds: the attempt of the links of the closed forms."""


def link(success: float, fidelity: float = 0.95, coherence: float = 1e9, km: float = 1.0) -> LinkParameters:
    return LinkParameters(km, TAU, 1, success, fidelity, coherence)


def deliver(legs: list[LinkParameters], pairs: int, swapping: Swapping = IDEAL, **more: Any) -> Deliveries:
    generator = np.random.Generator(np.random.Philox(7))
    return simulate_route(generator, Route.of(legs, swapping), pairs, **({"signalling": False} | more))


def attempts(found: Deliveries) -> Any:
    return np.diff(found.times_seconds, prepend=0) / (TAU * 1e-12)


def assert_mean(values: Any, expected: float) -> None:
    """Within four standard errors."""
    assert abs(values.mean() - expected) < 4 * values.std() / math.sqrt(len(values)) + 1e-9


@pytest.mark.parametrize("success", [0.5, 0.1])
def test_two_links_without_cutoff_take_as_many_attempts_as_the_closed_form_says(success: float) -> None:
    expected = (3 - 2 * success) / (success * (2 - success))
    assert_mean(attempts(deliver([link(success)] * 2, 20000)), expected)


@pytest.mark.parametrize(("success", "cutoff", "expected"), [(0.5, 1, 3.0), (0.1, 5, 20.751172), (0.1, 20, 15.353440)])
def test_two_links_with_a_cutoff_take_as_many_attempts_as_the_closed_form_says(
    success: float, cutoff: int, expected: float
) -> None:
    found = deliver([link(success)] * 2, 20000, useful_age_seconds=(cutoff + 1) * TAU * 1e-12)
    assert_mean(attempts(found), expected)
    assert (found.counts[:, USED] == 20000).all()
    assert (found.counts[:, EXPIRED] > 0).all()


def mean_of_the_last(success: float, number: int) -> float:
    """The mean greatest of independent geometric numbers of attempts."""
    return sum((-1) ** (k + 1) * math.comb(number, k) / (1 - (1 - success) ** k) for k in range(1, number + 1))


@pytest.mark.parametrize("number", [1, 3, 5])
def test_a_route_is_there_when_its_last_link_is(number: int) -> None:
    assert_mean(attempts(deliver([link(0.2)] * number, 8000)), mean_of_the_last(0.2, number))


def test_the_mean_fidelity_of_two_links_is_that_of_a_geometric_wait() -> None:
    """Both pairs are a whole attempt old at least; the early one waits |N1 - N2| attempts more: with q = 1 - p and
    x = exp(-2 tau / T), E x^|N1 - N2| = p / (2 - p) (1 + q x) / (1 - q x)."""
    p, coherence = 0.1, 1e-3
    x, q = math.exp(-2 * TAU * 1e-12 / coherence), 1 - p
    found = deliver([link(p, 0.95, coherence)] * 2, 40000, Swapping(0.98))
    fresh = 0.98 * ((4 * 0.95 - 1) / 3) ** 2
    expected = fresh * x**2 * p / (2 - p) * (1 + q * x) / (1 - q * x)
    assert_mean(found.fidelities, (1 + 3 * expected) / 4)


@pytest.mark.parametrize("order", ["as_soon_as_possible", "in_order", "balanced_tree"])
@pytest.mark.parametrize("number", [3, 4])
def test_halves_decay_until_they_are_measured(order: Any, number: int) -> None:
    """Against the same draws of a geometric law, put together in one line per node."""
    p, coherence, count = 0.2, 2e-4, 20000
    found = deliver([link(p, 0.95, coherence)] * number, count, Swapping(0.99, order=order))
    herald = np.random.default_rng(3).geometric(p, (200000, number))
    last = herald.max(axis=1)
    if order == "in_order":
        swaps = np.maximum.accumulate(herald, axis=1)[:, 1:]
    elif order == "balanced_tree":
        halves = (herald[:, : number // 2], herald[:, number // 2 :])  # each has two legs at most
        swaps = np.stack([last, *(half.max(axis=1) for half in halves if half.shape[1] > 1)], axis=1)
    else:
        swaps = np.maximum(herald[:, :-1], herald[:, 1:])
    stored = 2.0 * last + 2.0 * swaps.sum(axis=1) - 2.0 * (herald - 1).sum(axis=1)
    expected = (14 / 15) ** number * 0.99 ** (number - 1) * np.exp(-stored * TAU * 1e-12 / coherence)
    werner = (4 * found.fidelities - 1) / 3
    error = math.hypot(werner.std() / math.sqrt(count), expected.std() / math.sqrt(len(expected)))
    assert abs(werner.mean() - expected.mean()) < 4 * error


def test_four_fresh_links_give_the_fidelity_of_the_reference() -> None:
    found = deliver([link(1.0)] * 4, 3)
    np.testing.assert_allclose(found.fidelities, 0.819125926, atol=1e-9)
    np.testing.assert_allclose(attempts(found), 1.0)


@pytest.mark.parametrize(("number", "success"), [(2, 0.5), (2, 0.9)])
def test_failed_swaps_cost_both_pairs_and_the_news(number: int, success: float) -> None:
    found = deliver([link(0.2)] * number, 20000, Swapping(1.0, success))
    assert_mean(attempts(found), mean_of_the_last(0.2, number) / success)
    news = 0.5  # attempts: the memories are blocked until it has gone a kilometre
    slower = deliver([link(0.2)] * number, 20000, Swapping(1.0, success), signalling=True)
    assert_mean(attempts(slower), (mean_of_the_last(0.2, number) + news) / success)
    for row in found.counts:
        assert row[GENERATED] == row[USED] + row[EXPIRED] + row[SACRIFICED] + found.stored[0]


def tree(begins: int, ends: int) -> dict[int, tuple[int, int]]:
    """By node, the span of legs that a balanced tree of swaps joins there."""
    if ends - begins < 2:
        return {}
    middle = (begins + ends) // 2
    return {middle: (begins, ends)} | tree(begins, middle) | tree(middle, ends)


def stepped(number: int, p: float, success: float, useful_attempts: int, order: str, count: int) -> Any:
    """The same route attempt by attempt, in plain Python: how long each delivery takes, and its Werner parameter's
    storage (attempts, summed over the halves)."""
    draw, now, found, before = np.random.default_rng(11), 0, [], 0
    segments: list[list[Any]] = []  # first leg, last leg, oldest birth, storage up to its last change, time of that
    while len(found) < count:
        free = [g for g in range(number) if not any(s[0] <= g < s[1] for s in segments)]
        births = [g for g in free if draw.random() < p]
        now += 1
        for g in births:
            segments.append([g, g + 1, now - 1, 0.0, now - 1])
            for node in [*range(1, number)] * number:
                begins, ends = {"in_order": (0, None), "balanced_tree": tree(0, number).get(node)}.get(order) or (
                    None,
                ) * 2
                left = next((s for s in segments if s[1] == node and begins in (None, s[0])), None)
                right = next((s for s in segments if s[0] == node and ends in (None, s[1])), None)
                if left is None or right is None:
                    continue
                segments = [s for s in segments if s is not left and s is not right]
                if draw.random() < success:
                    stored = sum(s[3] + 2 * (now - s[4]) for s in (left, right))
                    segments.append([left[0], right[1], min(left[2], right[2]), stored, now])
        for done in [s for s in segments if s[:2] == [0, number]]:
            segments.remove(done)
            found.append((now - before, done[3] + 2 * (now - done[4])))
            before = now
        segments = [s for s in segments if now - s[2] < useful_attempts]
    return np.array(found, float)


@pytest.mark.parametrize(
    ("number", "p", "success", "useful_attempts", "order"),
    [
        (3, 0.2, 0.7, 9, "as_soon_as_possible"),
        (4, 0.3, 1.0, 7, "as_soon_as_possible"),
        (4, 0.3, 0.8, 12, "in_order"),
        (4, 0.3, 0.8, 12, "balanced_tree"),
        (5, 0.4, 0.9, 12, "balanced_tree"),
    ],
)
def test_a_route_lives_as_an_independent_stepper_does(
    number: int, p: float, success: float, useful_attempts: int, order: Any
) -> None:
    coherence = 5e-4
    expected = stepped(number, p, success, useful_attempts, order, 2500)
    swapping = Swapping(1.0, success, order=order)
    legs, age = [link(p, 1.0, coherence)] * number, useful_attempts * TAU * 1e-12
    found = deliver(legs, 20000, swapping, useful_age_seconds=age)
    waits, ours_werner = attempts(found), (4 * found.fidelities - 1) / 3
    np.testing.assert_allclose(waits, np.round(waits), atol=1e-6)
    werner = np.exp(-expected[:, 1] * TAU * 1e-12 / coherence)
    for ours, theirs in ((waits, expected[:, 0]), (ours_werner, werner)):
        error = math.hypot(ours.std() / math.sqrt(len(ours)), theirs.std() / math.sqrt(len(theirs)))
        assert abs(ours.mean() - theirs.mean()) < 4 * error


def test_corrections_travel_to_both_ends() -> None:
    legs = [link(1.0, km=4.0), link(1.0, km=1.0), link(1.0, km=2.0)]
    kilometre = 0.5  # attempts
    assert attempts(deliver(legs, 1, signalling=True))[0] == pytest.approx(1 + 5 * kilometre)
    heralded = deliver(legs, 1, Swapping(1.0, 1 - 1e-12), signalling=True)
    assert attempts(heralded)[0] == pytest.approx(1 + 4 * kilometre + 5 * kilometre)
    decaying = [link(1.0, 1.0, 1e-4, km=leg.length_km) for leg in legs]
    waited = deliver(decaying, 1, signalling=True)
    stored = 6 * 1 + 2 * 5 * kilometre
    assert (4 * waited.fidelities[0] - 1) / 3 == pytest.approx(math.exp(-stored * TAU * 1e-12 / 1e-4))


def test_purification_is_bbpssw() -> None:
    for fidelity, purified, success in ((0.7, 0.735294118, 0.68), (0.8, 0.838150289, 0.768888889)):
        found = deliver([link(0.01, fidelity)], 10000, Swapping(1.0, purification_rounds=1), slots=2)
        np.testing.assert_allclose(found.fidelities, purified, atol=1e-8)
        row = found.counts[0]
        tries = (row[GENERATED] - found.stored[0]) / 2
        assert abs(10000 / tries - success) < 4 * math.sqrt(success * (1 - success) / tries)
        assert row[SACRIFICED] == row[GENERATED] - 10000 - found.stored[0]
        assert Swapping(1.0, purification_rounds=1).purified(link(0.01, fidelity))[0] == pytest.approx(purified)


def test_purified_legs_are_swapped_when_both_are_finished() -> None:
    found = deliver([link(0.05, 0.8)] * 2, 500, Swapping(1.0, purification_rounds=1), slots=2)
    w = (4 * 0.838150289 - 1) / 3
    np.testing.assert_allclose(found.fidelities, (1 + 3 * w * w) / 4, atol=1e-7)


@given(
    fidelity=st.floats(0.55, 1.0),
    most=st.integers(0, 4),
    target=st.floats(0.55, 1.0),
    own=st.none() | st.integers(0, 4),
)
def test_a_link_is_purified_as_often_as_its_pairs_need_to_reach_the_target(
    fidelity: float, most: int, target: float, own: int | None
) -> None:
    leg = replace(link(0.1, fidelity), purification_rounds=own)
    swapping = Swapping(1.0, purification_rounds=most, purification_target=target)
    rounds = swapping.rounds_of(leg)
    if own is not None:
        assert rounds == own
        return
    steps = [Swapping(1.0, purification_rounds=n).purified(leg)[0] for n in range(most + 1)]
    assert rounds == next((n for n, reached in enumerate(steps) if reached >= target), most)
    assert swapping.purified(leg)[0] == steps[rounds]


def test_only_the_poor_link_of_a_route_is_purified() -> None:
    good, poor = link(0.05, 0.97), link(0.05, 0.8)
    for swapping, legs in (
        (Swapping(1.0, purification_rounds=2, purification_target=0.82), [good, poor]),
        (IDEAL, [good, replace(poor, purification_rounds=1)]),
    ):
        found = deliver(legs, 500, swapping, slots=2)
        w = (4 * 0.97 - 1) / 3 * (4 * 0.838150289 - 1) / 3
        np.testing.assert_allclose(found.fidelities, (1 + 3 * w) / 4, atol=1e-7)
        assert found.counts[0, SACRIFICED] == 0 < found.counts[1, SACRIFICED]
        assert Route.of(legs, swapping).raw_pairs == 3
        assert Route.of(legs, swapping).fidelity == pytest.approx((1 + 3 * w) / 4, abs=1e-8)


def test_a_pair_below_the_least_fidelity_is_given_up() -> None:
    legs = [link(0.1, 0.95, 1e-3)] * 2
    found = deliver(legs, 4000, Swapping(0.98), min_fidelity=0.85)
    assert found.fidelities.min() >= 0.85
    assert found.counts[0, EXPIRED] > 0
    assert (deliver(legs, 4000, Swapping(0.98)).fidelities < 0.85).any()


def test_what_cannot_be_delivered_is_refused() -> None:
    for more, complaint in (
        ({"useful_age_seconds": 1e-6}, "useful_age_seconds must be at least the longest attempt, 1e-05, got 1e-06"),
        ({"slots": 0}, "slots must exceed the 0 rounds of purification, got 0"),
        ({"min_fidelity": 0.95}, "min_fidelity must be below the 0.9033 of a fresh pair, got 0.95"),
    ):
        with pytest.raises(ValueError, match=complaint):
            deliver([link(0.5)] * 2, 1, **more)
    with pytest.raises(ValueError, match="the swap's success in"):
        deliver([link(0.5)] * 2, 1, Swapping(1.0, 0.0))
    assert len(deliver([link(0.5)] * 2, 10**6, until_seconds=1e-3).times_seconds) < 101


def test_more_slots_and_fewer_links_never_slow_a_route() -> None:
    rates = {
        (number, slots): 3000 / deliver([link(0.1)] * number, 3000, slots=slots).times_seconds[-1]
        for number, slots in itertools.product((1, 2, 4), (1, 4))
    }
    for slots in (1, 4):
        assert rates[1, slots] > rates[2, slots] > rates[4, slots]
    for number in (2, 4):
        assert rates[number, 4] > rates[number, 1]
    assert rates[4, 4] < 0.1 / (TAU * 1e-12), "no route is faster than its links"
