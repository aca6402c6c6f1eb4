"""Requests for single pairs, the decay of pairs in the loops, and births by table."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ceas_ray.bench.entanglement import RATE, measure
from ceas_ray.links.link_loop import correlations_at, link_model
from ceas_ray.links.request_loop import run_requests
from ceas_ray.messages.pair_books import EXPIRED, GENERATED, USED
from ceas_ray.network.link_parameters import LinkParameters
from ceas_ray.network.memories import Dephasing, Depolarizing, Memory, Relaxing
from ceas_ray.quantum.bell_pairs import (
    Idling,
    decayed_fidelity,
    dephased_by_attempts,
    pair_coherence_time,
    relaxed_state,
    state_of_correlations,
)


def test_workload_w1_has_the_statistics_of_its_closed_form() -> None:
    found = measure("ring", 8, quick=True)
    pairs = found["pairs"]
    # a cycle is a geometric time and a truncated exponential one: both vary less than a multiple of their mean
    assert found["pairs_per_second_and_link"] == pytest.approx(RATE, rel=4 / math.sqrt(pairs))
    assert found["used_share"] == pytest.approx(0.5, abs=4 * 0.5 / math.sqrt(pairs))
    assert found["mean_fidelity"] == pytest.approx(0.865174, abs=4 * 0.05 / math.sqrt(pairs / 2))


@settings(max_examples=60)
@given(
    success=st.floats(0.001, 1), modes=st.integers(1, 20), slots=st.integers(1, 6), seed=st.integers(0, 10**6),
    wait=st.floats(1e6, 1e10), age=st.integers(2 * 10**7, 10**10),
)  # fmt: skip
def test_every_pair_asked_for_or_not_is_accounted_for(
    success: float, modes: int, slots: int, seed: int, wait: float, age: int
) -> None:
    link = link_model(LinkParameters(1.0, 10**7, modes, success, 0.95, 0.01), 1.0)
    counts, sums = np.zeros(5, np.int64), np.zeros(5)
    rng = np.random.Generator(np.random.Philox(seed))
    stored = run_requests(rng, link, 10**11, wait, age, slots, counts, sums)
    assert 0 <= stored <= slots
    assert counts[GENERATED] == counts[USED] + counts[EXPIRED] + stored
    assert (counts >= 0).all()
    requests, served, _, fidelities, _ = sums
    assert served == counts[USED] <= requests
    if served:
        oldest = 0.25 + 0.7 * math.exp(-2 * age * 1e-12 / 0.01)
        assert oldest - 1e-9 <= fidelities / served <= 0.95


@given(modes=st.integers(1, 20), slots=st.integers(1, 6), seed=st.integers(0, 10**6))
def test_every_pair_that_an_attempt_heralds_is_generated(modes: int, slots: int, seed: int) -> None:
    link = link_model(LinkParameters(1.0, 10**7, modes, 1.0, 0.95, 0.01), 1.0)
    counts, sums = np.zeros(5, np.int64), np.zeros(5)
    rng = np.random.Generator(np.random.Philox(seed))
    stored = run_requests(rng, link, 10**10, 10**8, 10**9, slots, counts, sums)
    assert counts[GENERATED] == modes * sums[4] == counts[USED] + counts[EXPIRED] + stored


def test_a_memory_with_more_slots_serves_more_requests() -> None:
    link = link_model(LinkParameters(1.0, 10**7, 1, 0.05, 0.95, 0.01), 1.0)
    served = []
    for slots in (1, 2, 4):
        counts, sums = np.zeros(5, np.int64), np.zeros(5)
        run_requests(np.random.Generator(np.random.Philox(3)), link, 10**13, 2e8, 10**9, slots, counts, sums)
        served.append(sums[1] / sums[0])
        assert sums[0] == pytest.approx(10**13 / 2e8, rel=4 / math.sqrt(sums[0]))
    assert served == sorted(served)


def idling(memory: object, seconds: float) -> Idling:
    """What a memory that keeps populations, or loses them to its ground state, does in the formulas."""
    if isinstance(memory, Relaxing):
        return Idling(seconds, memory.t1_seconds, memory.t2_seconds)
    assert isinstance(memory, Dephasing)
    return Idling(seconds, math.inf, memory.t2_seconds)


@given(
    seed=st.integers(0, 10**6), age=st.integers(0, 5 * 10**10), attempts=st.integers(0, 200),
    memories=st.sampled_from([
        (Dephasing(0.01), Dephasing(0.03)), (Relaxing(0.04, 0.02), Relaxing(0.1, 0.03)),
        (Relaxing(0.04, 0.02), Dephasing(0.05)), (Dephasing(0.02), Relaxing(0.02, 0.04)),
    ]),
)  # fmt: skip
def test_pairs_in_the_loops_decay_as_in_the_formulas(
    seed: int, age: int, attempts: int, memories: tuple[Memory, Memory]
) -> None:
    weights = np.random.default_rng(seed).dirichlet(np.ones(4))
    link = LinkParameters(
        1.0, 10**7, 1, 0.1, float(weights[0]), 0.01, tuple(weights), memories, attempt_dephasing=0.003
    )  # fmt: skip
    xx, yy, zz = correlations_at(link_model(link, 0.98), age, attempts)
    first, second = (idling(memory, age * 1e-12) for memory in memories)
    expected = dephased_by_attempts(relaxed_state(weights, first, second), attempts, 0.003)
    np.testing.assert_allclose(state_of_correlations(xx, -yy, zz), expected, atol=1e-9)


@given(fidelity=st.floats(0.3, 1), age=st.integers(0, 10**11))
def test_depolarizing_pairs_in_the_loops_decay_as_in_the_formulas(fidelity: float, age: int) -> None:
    link = LinkParameters(
        1.0, 10**7, 1, 0.1, fidelity, 0.01, None, (Depolarizing(0.02), Depolarizing(0.05))
    )  # fmt: skip
    total = pair_coherence_time(0.02, 0.05)
    found = (1 + sum(correlations_at(link_model(link, 0.98), age, 0))) / 4
    assert found == pytest.approx(float(decayed_fidelity(fidelity, age * 1e-12, total)), abs=1e-12)
