"""Two stock limits."""

from __future__ import annotations

import pytest

from ceas_ray.scheduling.two_level import TwoLevel
from tests.scheduling.measured import R0


def test_limits_are_kept_and_never_beyond_the_memory() -> None:
    policy = TwoLevel(1, 14).stock_policy(R0)
    assert (policy.gap_limit, policy.burst_limit, policy.demand_driven) == (1, 14, True)
    policy = TwoLevel(1000, 1000).stock_policy(R0)
    assert (policy.gap_limit, policy.burst_limit) == (R0.slots, R0.slots)


def test_limits_out_of_range_are_refused() -> None:
    with pytest.raises(ValueError, match=r"burst_limit must be a number in \[1, 1000000\], got 0"):
        TwoLevel(1, 0)
