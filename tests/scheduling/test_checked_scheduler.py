"""A scheduler of a user's own is checked."""

from __future__ import annotations

import numpy as np
import pytest

from ceas_ray.kernel.policy_calls import PolicyError
from ceas_ray.messages.payloads import JustInTimePolicy, StockPolicy, TimeSharedPolicy
from ceas_ray.scheduling.checked_scheduler import CheckedScheduler
from ceas_ray.scheduling.perishable_chain import LinkClass
from tests.scheduling.measured import T1


@pytest.mark.parametrize(("policy", "complaint"), [
    (JustInTimePolicy(gap_limit=0, burst_limit=1, demand_driven=True, lead_periods=-1.0), "lead_periods >= 0"),
    (JustInTimePolicy(gap_limit=0, burst_limit=1, demand_driven=True, lead_periods=np.inf), "lead_periods >= 0"),
    (TimeSharedPolicy(gap_limit=0, burst_limit=1, demand_driven=True, second_share=2.0,
                      second=StockPolicy(gap_limit=0, burst_limit=1, demand_driven=True)), r"second_share in \[0, 1\]"),
    (TimeSharedPolicy(gap_limit=0, burst_limit=1, demand_driven=True, second_share=0.5,
                      second=StockPolicy(gap_limit=0, burst_limit=99, demand_driven=True)), "burst_limit an integer"),
    (TimeSharedPolicy(gap_limit=0, burst_limit=1, demand_driven=True, second_share=0.5,
                      second=StockPolicy(gap_limit=0, burst_limit=1, demand_driven=True, clairvoyant=True)),
     "second a StockPolicy of limits alone"),
])  # fmt: skip
def test_a_policy_of_ones_own_that_no_link_can_follow_is_refused(policy: StockPolicy, complaint: str) -> None:
    class Own:
        def stock_policy(self, link: LinkClass) -> StockPolicy:
            return policy

    with pytest.raises(PolicyError, match=complaint):
        CheckedScheduler(Own()).stock_policy(T1)
