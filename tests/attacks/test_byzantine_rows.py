"""Rows that no replica may take never reach a rule."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from ceas_ray.attacks.attack import Attack, AttackContext, Floats, Knowledge
from ceas_ray.kernel.windows import Simulation
from ceas_ray.messages.observations import RoundObserved
from ceas_ray.processors.adversary import Adversary
from ceas_ray.runtime.local_runtime import LocalCluster
from tests.small_worlds import small_world

FAULTS = "aggregation.byzantine_fraction=0.25"


@dataclass(frozen=True)
class Fill(Attack):
    """Every entry is the same number."""

    value: float
    knowledge: Knowledge = "colluders"

    def __call__(self, seen: AttackContext, generator: np.random.Generator) -> Floats:
        return np.full_like(seen.own, self.value)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 2.0**22])
def test_rows_that_cannot_be_encoded_are_as_silence(value: float) -> None:
    world = small_world(
        "training.rounds=2", "attacks=mimic", "attacks.knowledge=colluders", "attacks.fraction=0.25",
        "aggregation=mean", FAULTS,
    )  # fmt: skip
    (adversary,) = (actor for actor in world.control if isinstance(actor, Adversary))
    adversary._attack = Fill(value)
    rounds: list[Any] = [
        (observed.payload.processors, end.mark.model)
        for end in Simulation(LocalCluster(world.one_host())).rounds()
        for observed in end.observations
        if isinstance(observed.payload, RoundObserved)
    ]
    assert len(rounds) == 2
    for processors, model in rounds:
        assert set(processors) == set(range(8)) - set(world.byzantine)
        assert np.isfinite(model).all()
