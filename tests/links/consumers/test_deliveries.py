"""Requests for single pairs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ceas_ray.bench.entanglement import RATE, measure
from ceas_ray.links.consumers.deliveries import serve_requests
from ceas_ray.links.engine.route import RouteModel, RouteState, route_rules
from ceas_ray.messages.pair_books import EXPIRED, GENERATED, USED
from ceas_ray.network.link_parameters import LinkParameters
from ceas_ray.network.route import Swapping
from tests.links.routes import generator


def test_workload_w1_has_the_statistics_of_its_closed_form() -> None:
    found = measure("ring", 8, quick=True)
    pairs = found["pairs"]
    # a cycle is a geometric time and a truncated exponential one: both vary less than a multiple of their mean
    assert found["pairs_per_second_and_link"] == pytest.approx(RATE, rel=4 / math.sqrt(pairs))
    assert found["used_share"] == pytest.approx(0.5, abs=4 * 0.5 / math.sqrt(pairs))
    assert found["mean_fidelity"] == pytest.approx(0.865174, abs=4 * 0.05 / math.sqrt(pairs / 2))


def requests(
    legs: Sequence[LinkParameters], seed: int, length: int, wait: float, age: int, slots: int, queue: bool = True
) -> tuple[Any, Any, Any]:
    """Books (legs, 5), sums over the requests, and the stock of every leg. queue: false for the engine of any route."""
    swapping = Swapping(0.98)
    model, drawn = RouteModel.of(legs, swapping), generator(seed)
    rules = route_rules(legs, swapping, slots=slots, useful_age=age, min_fidelity=None, corrected=True, stops=False)
    rules = rules if queue else rules._replace(min_fidelity=1e-9)  # no pair is ever below it
    state = RouteState(drawn, model, rules, 0)
    sums, stored = serve_requests(state, drawn, until=length, mean_wait=wait)
    return state.books, sums, stored


@settings(max_examples=60, deadline=None)
@given(
    success=st.floats(0.001, 1), modes=st.integers(1, 20), slots=st.integers(1, 6), seed=st.integers(0, 10**6),
    wait=st.floats(1e6, 1e10), age=st.integers(2 * 10**7, 10**10), number=st.integers(1, 3),
)  # fmt: skip
def test_every_pair_asked_for_or_not_is_accounted_for(
    success: float, modes: int, slots: int, seed: int, wait: float, age: int, number: int
) -> None:
    legs = [LinkParameters(1.0, 10**7, modes, success, 0.95, 0.01)] * number
    books, sums, stored = requests(legs, seed, 10**10, wait, age, slots)
    assert ((stored >= 0) & (stored <= slots)).all()
    assert (books >= 0).all()
    np.testing.assert_array_equal(books[:, GENERATED], books[:, [USED, EXPIRED]].sum(axis=1) + stored)
    asked, served, _, fidelities = sums
    assert (books[:, USED] == served).all()
    assert served <= asked
    if served and number == 1:
        oldest = 0.25 + 0.7 * math.exp(-2 * age * 1e-12 / 0.01)
        assert oldest - 1e-9 <= fidelities / served <= 0.95


@pytest.mark.parametrize(
    ("success", "modes", "age", "wait"),
    [(0.1, 1, 10**8, 1.4e8), (0.02, 12, 4 * 10**7, 2e7), (0.5, 3, 10**9, 3e8), (0.3, 1, 5 * 10**6, 2e7)],
)
def test_one_memory_serves_as_the_engine_of_any_route_does(success: float, modes: int, age: int, wait: float) -> None:
    link, length = LinkParameters(1.0, 10**7, modes, success, 0.95, 1e-3), 10**12
    found = []
    for queue in (True, False):
        books, sums, stored = requests([link], 5, length, wait, age, 1, queue)
        assert books[0, GENERATED] == books[0, USED] + books[0, EXPIRED] + stored[0]
        found.append((books[0, GENERATED], *sums))
    (made, asked, served, times, fidelities), other = found
    assert made == pytest.approx(other[0], abs=6 * math.sqrt(2 * made))
    assert asked == pytest.approx(other[1], abs=6 * math.sqrt(2 * asked))
    assert served == pytest.approx(other[2], abs=6 * math.sqrt(2 * served) + 1)
    if served:
        spread = length * math.sqrt(1 / 12), 0.7
        for mean, other_mean, sd in zip((times, fidelities), other[3:], spread, strict=True):
            assert mean / served == pytest.approx(other_mean / other[2], abs=6 * sd * math.sqrt(2 / served))


def test_a_memory_with_more_slots_serves_more_requests() -> None:
    link, length, wait = LinkParameters(1.0, 10**7, 1, 0.05, 0.95, 0.01), 10**13, 2e8
    served = []
    for slots in (1, 2, 4):
        _, sums, _ = requests([link], 3, length, wait, 10**9, slots)
        served.append(sums[1] / sums[0])
        assert sums[0] == pytest.approx(length / wait, rel=4 / math.sqrt(sums[0]))
    assert served == sorted(served)
