"""What the engine does to pairs: decay of every memory, attempts beside them, swaps, against closed forms."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numba import njit

from ceas_ray.links.engine.advance import advance
from ceas_ray.links.engine.attempts import allow, begin
from ceas_ray.links.engine.route import RouteModel, RouteState, route_rules
from ceas_ray.links.engine.segments import chosen, pair_at
from ceas_ray.links.engine.state import route_at
from ceas_ray.network.link_parameters import LinkParameters
from ceas_ray.network.memories import Dephasing, Depolarizing, Memory, Relaxing
from ceas_ray.network.route import Swapping
from ceas_ray.quantum.bell_pairs import (
    Idling,
    decayed_fidelity,
    dephased_by_attempts,
    pair_coherence_time,
    relaxed_state,
    state_of_correlations,
)
from tests.links.routes import generator

TAU = 10**7
FOREVER = 10**17


@njit
def _first_pair(address, until, births):  # type: ignore[no-untyped-def]
    """The end-to-end pair at that time, where every leg makes one, and the last one `births`."""
    route = route_at(address)
    begin(route)
    for g in range(route.number):
        allow(route, g, births if g == route.number - 1 else 1, births if g == route.number - 1 else 1)
    advance(route, until)
    return pair_at(route, chosen(route, False), route.now)


def first_pair(legs: Sequence[LinkParameters], until: int, births: int = 1, swap_werner: float = 1.0) -> Any:
    swapping = Swapping(swap_werner)
    model = RouteModel.of(legs, swapping, signalling=False)
    rules = route_rules(
        legs, swapping, slots=births, useful_age=FOREVER, min_fidelity=None, corrected=True, stops=False
    )
    state = RouteState(generator(1), model, rules, 0)
    return _first_pair(state.address, until, births)


def idling(memory: object, seconds: float) -> Idling:
    """What a memory that keeps populations, or loses them to its ground state, does in the formulas."""
    if isinstance(memory, Relaxing):
        return Idling(seconds, memory.t1_seconds, memory.t2_seconds)
    assert isinstance(memory, Dephasing)
    return Idling(seconds, math.inf, memory.t2_seconds)


MEMORIES = [
    (Dephasing(0.01), Dephasing(0.03)), (Relaxing(0.04, 0.02), Relaxing(0.1, 0.03)),
    (Relaxing(0.04, 0.02), Dephasing(0.05)), (Dephasing(0.02), Relaxing(0.02, 0.04)),
]  # fmt: skip


@settings(deadline=None)
@given(seed=st.integers(0, 10**6), age=st.integers(TAU, 5 * 10**10), memories=st.sampled_from(MEMORIES))
def test_pairs_decay_as_in_the_formulas(seed: int, age: int, memories: tuple[Memory, Memory]) -> None:
    weights = np.random.default_rng(seed).dirichlet(np.ones(4))
    link = LinkParameters(1.0, TAU, 1, 1.0, float(weights[0]), 0.01, tuple(weights), memories)
    pair = first_pair([link], age)
    expected = relaxed_state(weights, *(idling(memory, age * 1e-12) for memory in memories))
    np.testing.assert_allclose(state_of_correlations(pair.xx, -pair.yy, pair.zz), expected, atol=1e-9)


@settings(deadline=None)
@given(fidelity=st.floats(0.3, 1), age=st.integers(TAU, 10**11))
def test_depolarizing_pairs_decay_as_in_the_formulas(fidelity: float, age: int) -> None:
    link = LinkParameters(1.0, TAU, 1, 1.0, fidelity, 0.01, None, (Depolarizing(0.02), Depolarizing(0.05)))
    pair = first_pair([link], age)
    found = (1 + pair.xx + pair.yy + pair.zz) / 4
    expected = decayed_fidelity(fidelity, age * 1e-12, pair_coherence_time(0.02, 0.05))
    assert found == pytest.approx(float(expected), abs=1e-12)


@pytest.mark.parametrize("attempts", [0, 1, 7])
def test_every_attempt_beside_a_pair_erases_its_phase_as_often(attempts: int) -> None:
    """The link makes one pair, then as many more as there are attempts."""
    weights = (0.9, 0.02, 0.05, 0.03)
    link = LinkParameters(1.0, TAU, 1, 1.0, 0.9, 1e30, weights, attempt_dephasing=0.03)
    pair = first_pair([link], 100 * TAU, births=1 + attempts)
    expected = dephased_by_attempts(weights, attempts, 0.03)
    np.testing.assert_allclose(state_of_correlations(pair.xx, -pair.yy, pair.zz), expected, atol=1e-12)


@pytest.mark.parametrize("others", [0, 5])
def test_attempts_on_the_last_link_of_a_route_touch_one_half_of_a_swapped_pair(others: int) -> None:
    link = LinkParameters(1.0, TAU, 1, 1.0, 1.0, 1e30, attempt_dephasing=0.04)
    pair = first_pair([link, link], 100 * TAU, births=1 + others)
    assert pair.xx == pair.yy == pytest.approx(math.sqrt(1 - 0.04) ** others)
    assert pair.zz == pytest.approx(1.0)


# --- against density matrices ----------------------------------------------------------

X = np.array([[0, 1], [1, 0]], complex)
Y = np.array([[0, -1j], [1j, 0]])
Z = np.diag([1, -1]).astype(complex)
I2 = np.eye(2, dtype=complex)


def on(matrix: Any, place: int, qubits: int) -> Any:
    found = np.eye(1)
    for k in range(qubits):
        found = np.kron(found, matrix if k == place else I2)
    return found


def damped(rho: Any, place: int, qubits: int, seconds: float, memory: Relaxing) -> Any:
    """Amplitude damping by T1, then dephasing such that coherences fall by T2."""
    fallen = 1 - math.exp(-seconds / memory.t1_seconds)
    kraus = [np.array([[1, 0], [0, math.sqrt(1 - fallen)]]), np.array([[0, math.sqrt(fallen)], [0, 0]])]
    rho = sum(on(k, place, qubits) @ rho @ on(k, place, qubits).conj().T for k in kraus)
    left = math.exp(-seconds * (1 / memory.t2_seconds - 0.5 / memory.t1_seconds))
    z = on(Z, place, qubits)
    return (1 + left) / 2 * rho + (1 - left) / 2 * z @ rho @ z


def bell_measured(rho: Any) -> Any:
    """Of four qubits measure the inner two, correct the last one, and forget the outcome: a state of the outer two."""
    phi = np.array([1, 0, 0, 1]) / math.sqrt(2)
    total = np.zeros((4, 4), complex)
    for correction in (I2, X, Z, X @ Z):
        bell = np.kron(I2, correction) @ phi
        tensor = rho.reshape((2,) * 8)
        projected = np.einsum("bc,abcdefgh,fg->adeh", bell.conj().reshape(2, 2), tensor, bell.reshape(2, 2))
        fixed = np.kron(I2, correction)
        total += fixed @ projected.reshape(4, 4) @ fixed.conj().T
    return total


def test_relaxing_memories_of_two_links_compose_exactly_over_a_swap() -> None:
    """The first pair waits for the second, a swap, and the outer halves wait again: against four qubits."""
    memories = [(Relaxing(3e-4, 2e-4), Relaxing(5e-4, 4e-4)), (Relaxing(2e-4, 3e-4), Relaxing(6e-4, 2e-4))]
    legs = [LinkParameters(1.0, period, 1, 1.0, 1.0, 0.01, (1.0, 0.0, 0.0, 0.0), of_leg)
            for period, of_leg in zip((TAU, 5 * TAU), memories, strict=True)]  # fmt: skip
    end = 20 * TAU
    pair = first_pair(legs, end)
    phi = np.array([1, 0, 0, 1]) / math.sqrt(2)
    bell = np.outer(phi, phi).astype(complex)
    rho = np.kron(bell, bell)
    swap_at = 5 * TAU * 1e-12  # both were emitted at 0: the fast one waits
    for place, memory in enumerate((*memories[0], *memories[1])):
        rho = damped(rho, place, 4, swap_at, memory)
    outer = bell_measured(rho)
    for place, memory in ((0, memories[0][0]), (1, memories[1][1])):
        outer = damped(outer, place, 2, end * 1e-12 - swap_at, memory)
    expected = [np.trace(outer @ np.kron(a, a)).real for a in (X, Y, Z)]
    np.testing.assert_allclose([pair.xx, -pair.yy, pair.zz], expected, atol=1e-12)
    singles = [np.trace(outer @ on(Z, place, 2)).real for place in (0, 1)]
    np.testing.assert_allclose([pair.z_start, pair.z_end], singles, atol=1e-12)
