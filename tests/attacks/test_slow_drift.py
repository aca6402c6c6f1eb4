"""A drift that grows over the rounds."""

from __future__ import annotations

import numpy as np

from ceas_ray.attacks.attack import AttackContext
from ceas_ray.attacks.slow_drift import SlowDrift
from tests.attacks.contexts import context, generator


def test_a_drift_begins_slowly_and_goes_one_way() -> None:
    """Against the mean of all rounds, with a step that grows as 1 - momentum^t in honest deviations."""
    attack, memory, steps = SlowDrift(1.5, 0.8, "omniscient"), np.zeros(0), []
    for seed in range(12):
        fresh = context(seed)
        seen = AttackContext(fresh.own, fresh.honest, fresh.population, fresh.outcome, memory)
        moved = attack(seen, generator()) - seen.own
        assert np.allclose(moved, moved[0])
        memory = attack.remembered(seen)
        against = -memory[:-1] / np.linalg.norm(memory[:-1])
        steps.append(float(moved[0] @ against / np.std(seen.honest @ against)))
        np.testing.assert_allclose(np.linalg.norm(moved[0]), moved[0] @ against, rtol=1e-9)
    np.testing.assert_allclose(steps, [1.5 * (1 - 0.8 ** (t + 1)) for t in range(12)])
