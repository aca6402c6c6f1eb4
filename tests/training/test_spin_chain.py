"""Ground states of the transverse-field Ising chain."""

from __future__ import annotations

import numpy as np
import pytest

from ceas_ray.training.spin_chain import draw_ground_states, ground_state, local_expectations
from tests.quantum.state_vectors import X, Z, on


@pytest.mark.parametrize("spins", [2, 3, 5])
@pytest.mark.parametrize("field", [0.2, 0.9, 1.8])
def test_the_ground_state_is_that_of_the_whole_hamiltonian(spins: int, field: float) -> None:
    hamiltonian = -sum(on({i: Z, i + 1: Z}, spins) for i in range(spins - 1))
    hamiltonian = hamiltonian - field * sum(on({i: X}, spins) for i in range(spins))
    state, energies = ground_state(spins, field), np.linalg.eigvalsh(hamiltonian)
    np.testing.assert_allclose(hamiltonian @ state, energies[0] * state, atol=1e-12)
    assert np.linalg.norm(state) == pytest.approx(1)
    expected = [state @ on({i: X}, spins).real @ state for i in range(spins)]
    expected += [state @ on({i: Z, i + 1: Z}, spins).real @ state for i in range(spins - 1)]
    np.testing.assert_allclose(local_expectations(state), expected, atol=1e-12)


def test_measured_ground_states_scatter_around_the_exact_ones_and_show_their_phase() -> None:
    exact, labels = draw_ground_states(60, 6, None, np.random.default_rng(1))
    measured, same = draw_ground_states(60, 6, 100, np.random.default_rng(1))
    assert np.array_equal(labels, same)
    spread = np.sqrt((1 - exact**2) / 100)
    assert np.abs(measured - exact).max() < 6 * spread.max()
    assert np.mean(((measured - exact) / np.maximum(spread, 1e-3)) ** 2) == pytest.approx(1, abs=0.2)
    flips = exact[:, :6].mean(axis=1)
    assert flips[labels == 1].mean() > flips[labels == 0].mean() + 0.3
