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
    legs: Sequence[LinkParameters], seed: int, length: int, wait: float, age: int, slots: int
) -> tuple[Any, Any, Any]:
    """Books (legs, 5), sums over the requests, and the stock of every leg."""
    swapping = Swapping(0.98)
    model, sums = RouteModel.of(legs, swapping), np.zeros(4)
    rules = route_rules(legs, swapping, slots=slots, useful_age=age, min_fidelity=None, corrected=True, stops=False)
    state = RouteState(generator(seed), model, rules, 0)
    stored = serve_requests(state.address, length, wait, sums)
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


def test_a_memory_with_more_slots_serves_more_requests() -> None:
    link, length, wait = LinkParameters(1.0, 10**7, 1, 0.05, 0.95, 0.01), 10**13, 2e8
    served = []
    for slots in (1, 2, 4):
        _, sums, _ = requests([link], 3, length, wait, 10**9, slots)
        served.append(sums[1] / sums[0])
        assert sums[0] == pytest.approx(length / wait, rel=4 / math.sqrt(sums[0]))
    assert served == sorted(served)
