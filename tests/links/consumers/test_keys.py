"""Keys distilled from a route: exact yields, exact books, and Bell-diagonal pairs."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ceas_ray.links.engine.route import RouteRules
from ceas_ray.messages.pair_books import EXPIRED, GENERATED, SACRIFICED, USED
from ceas_ray.network.link_parameters import LinkParameters
from ceas_ray.network.memories import Dephasing, Depolarizing, Relaxing
from ceas_ray.network.route import Swapping
from ceas_ray.quantum.bell_pairs import key_rate, key_rate_of_state, swapped_state
from tests.links.routes import distil, distilled
from tests.network.hardware import HARDWARE

TAU = 10**7


def lasting(fidelity: float, weights: tuple[float, ...] | None = None) -> LinkParameters:
    """A link whose memories keep for ever."""
    return LinkParameters(2.0, 3 * TAU, 16, 0.012, fidelity, 1e30, weights)


@pytest.mark.parametrize(("fidelity", "bits_per_pair"), [(0.83, 0.0), (0.84, 0.020442), (1.0, 1.0)])
@pytest.mark.parametrize("legs", [1, 2, 3])
def test_pairs_of_an_end_to_end_fidelity_yield_exactly_their_key(
    fidelity: float, bits_per_pair: float, legs: int
) -> None:
    """Perfect swaps of equal links."""
    werner = ((4 * fidelity - 1) / 3) ** (1 / legs)
    bits, pairs, books = distil([lasting((1 + 3 * werner) / 4)] * legs, 3, 10**11, slots=8, swapping=Swapping(1.0))
    column = USED if bits_per_pair else EXPIRED
    assert (books[:, column] > 300).all()
    assert (books[:, GENERATED] == books[:, USED] + books[:, EXPIRED]).all()
    assert (books[:, USED] == pairs).all()
    assert bits == pytest.approx(pairs * bits_per_pair, rel=3e-5, abs=1e-9)


@pytest.mark.parametrize("legs", [1, 2])
def test_bell_diagonal_pairs_yield_the_key_of_their_own_error_rates(legs: int) -> None:
    weights = (0.96, 0.005, 0.005, 0.03)
    end_to_end = weights if legs == 1 else swapped_state(weights, weights)
    bits, pairs, _ = distil([lasting(0.96, weights)] * legs, 1, 10**11, swapping=Swapping(1.0))
    assert pairs > 300
    assert bits / pairs == pytest.approx(float(key_rate_of_state(end_to_end)), rel=1e-9)
    assert bits / pairs > 1.05 * float(key_rate(end_to_end[0]))


@pytest.mark.parametrize("number", [1, 2, 3])
def test_a_path_takes_as_long_as_its_last_leg(number: int) -> None:
    """Each leg waits with its first pair: the mean greatest of geometric times, in attempts."""
    p = 0.1
    legs = [LinkParameters(1.0, TAU, 1, p, 1.0, 1e30)] * number
    length = 20000 * TAU
    _, pairs, _ = distil(legs, 2, length, swapping=Swapping(1.0))
    mean = sum((-1) ** (k + 1) * math.comb(number, k) / (1 - (1 - p) ** k) for k in range(1, number + 1))
    assert length / TAU / pairs == pytest.approx(mean, rel=4 / math.sqrt(pairs))


@settings(max_examples=60, deadline=None)
@given(
    lengths=st.lists(st.floats(0.1, 30), min_size=1, max_size=5), success=st.sampled_from([1.0, 0.6]),
    rounds=st.integers(0, 2), order=st.sampled_from(["as_soon_as_possible", "in_order"]), slots=st.integers(3, 24),
    age=st.integers(10**6, 10**10), seed=st.integers(0, 10**6), wanted=st.floats(0, 300),
)  # fmt: skip
def test_a_key_path_of_any_length_accounts_for_every_pair(
    lengths: list[float], success: float, rounds: int, order: Any, slots: int, age: int, seed: int, wanted: float,
) -> None:  # fmt: skip
    legs = [HARDWARE.link(length, 0.985) for length in lengths]
    bits, pairs, books = distil(
        legs, seed, 5 * 10**10, wanted=wanted, slots=slots, useful_age=age,
        swapping=Swapping(0.98, success, rounds, order),
    )  # fmt: skip
    assert (books >= 0).all()
    assert (books[:, GENERATED] == books[:, [USED, EXPIRED, SACRIFICED]].sum(axis=1)).all()
    assert (books[:, USED] == pairs).all()
    assert bits <= min(wanted + 1, pairs)


@settings(max_examples=40, deadline=None)
@given(
    modes=st.integers(1, 16), number=st.integers(1, 3), slots=st.integers(1, 12),
    wanted=st.floats(0, 50), success=st.sampled_from([1.0, 0.6]), seed=st.integers(0, 10**6),
)  # fmt: skip
def test_every_pair_that_a_key_path_heralds_is_generated(
    modes: int, number: int, slots: int, wanted: float, success: float, seed: int
) -> None:
    legs = [LinkParameters(1.0, TAU, modes, 1.0, 0.99, 0.06)] * number
    _, _, books = distil(
        legs, seed, 100 * TAU, wanted=wanted, slots=slots, useful_age=3 * TAU,
        swapping=Swapping(0.98, success),
    )  # fmt: skip
    assert (books[:, GENERATED] % modes == 0).all()
    assert (books[:, GENERATED] == books[:, [USED, EXPIRED]].sum(axis=1)).all()
    assert ((books[:, GENERATED] > 0) == (wanted > 0)).all()


@settings(max_examples=150, deadline=None)
@given(
    periods=st.tuples(st.integers(1, 5), st.integers(1, 5)), modes=st.sampled_from([1, 2, 16]),
    success=st.sampled_from([0.02, 0.3, 1.0]), weights=st.sampled_from([None, (0.96, 0.005, 0.005, 0.03)]),
    memory=st.sampled_from([Depolarizing(1e-3), Dephasing(2e-3), Relaxing(3e-3, 1e-3)]), slots=st.integers(1, 12),
    age=st.integers(1, 40), attempts=st.integers(0, 2000), wanted=st.sampled_from([0.0, 0.5, 7.3, 1e12]),
    seed=st.integers(0, 10**6),
)  # fmt: skip
def test_the_loop_for_two_links_does_to_the_bit_what_the_engine_does(
    periods: tuple[int, int], modes: int, success: float, weights: Any, memory: Any, slots: int, age: int,
    attempts: int, wanted: float, seed: int,
) -> None:  # fmt: skip
    """A minimal fidelity that every pair has leaves the path to the engine, and changes nothing there."""
    legs = [
        LinkParameters(1.0, period * TAU, modes, success, 0.97, 1e-3, weights, (memory, Depolarizing(2e-3)))
        for period in periods
    ]
    loop, engine = (
        distilled(
            legs, Swapping(0.98), RouteRules(slots, age * TAU, min_fidelity, corrected=False, stops=True),
            seed=seed, length=attempts * TAU, wanted=wanted,
        )
        for min_fidelity in (0.0, 1e-9)
    )  # fmt: skip
    assert [part.tolist() for part in loop[0]] == [part.tolist() for part in engine[0]]
    assert loop[1].tolist() == engine[1].tolist()
