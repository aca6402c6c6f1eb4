"""The paper's kind of baseline."""

from __future__ import annotations

from ceas_ray.scheduling.oblivious import Oblivious
from tests.scheduling.measured import R0


def test_it_fills_the_memory_between_bursts_and_within_them_whoever_asks() -> None:
    policy = Oblivious().stock_policy(R0)
    assert (policy.gap_limit, policy.burst_limit, policy.demand_driven) == (R0.slots, R0.slots, False)
