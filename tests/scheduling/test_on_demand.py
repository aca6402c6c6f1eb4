"""Generate only when somebody waits."""

from __future__ import annotations

from ceas_ray.scheduling.on_demand import OnDemand
from tests.scheduling.measured import R0


def test_it_keeps_nothing_between_bursts_and_makes_no_more_than_a_burst_needs() -> None:
    policy = OnDemand().stock_policy(R0)
    assert (policy.gap_limit, policy.burst_limit, policy.demand_driven) == (0, R0.slots, True)
