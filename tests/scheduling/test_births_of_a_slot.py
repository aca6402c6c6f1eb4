"""How many pairs the attempts of a slot bring."""

from __future__ import annotations

import numpy as np
import pytest

from ceas_ray.scheduling.births_of_a_slot import binomial, heralded_beyond


def test_births_are_binomial() -> None:
    mass = binomial(50, 0.1, 60)
    assert mass.sum() == pytest.approx(1, abs=1e-12)
    assert (mass[:51] @ np.arange(51)) == pytest.approx(5, abs=1e-9)
    assert binomial(3, 1.0, 5).tolist() == [0, 0, 0, 1, 0, 0]


@pytest.mark.parametrize(("trials", "success", "modes"), [(800, 0.012, 16), (24, 0.3, 8), (30, 0.6, 5), (9, 0.2, 1)])
def test_what_an_attempt_heralds_beyond_its_birth_is_as_when_it_is_drawn(
    trials: int, success: float, modes: int
) -> None:
    heralds = np.random.default_rng(1).binomial(modes, success, (40_000, trials // modes)).cumsum(axis=1)
    beyond = heralded_beyond(trials, success, modes, 12)
    np.testing.assert_allclose(beyond.sum(axis=1), 1.0, atol=1e-9)
    for b in range(1, 13):
        reached = heralds[heralds[:, -1] >= b]
        if len(reached) < 1000:
            continue
        drawn = reached[np.arange(len(reached)), np.argmax(reached >= b, axis=1)] - b
        mean = float(beyond[b] @ np.arange(beyond.shape[1]))
        assert abs(drawn.mean() - mean) <= 4 * drawn.std() / len(reached) ** 0.5 + 1e-9
