"""The rule by which a hub ranks links for its channels."""

from __future__ import annotations

import numpy as np
import pytest

from ceas_ray.scheduling.channel_rule import GOING_ROUND, ChannelRule, pair_rates
from tests.scheduling.measured import R4


def test_a_rule_ranks_by_backlog_or_by_deficit_and_nobody_changes_it() -> None:
    values = np.array([1.0, 2.0])
    for rule, (kept, empty) in ((ChannelRule.by_backlog(values), (0, 1)), (ChannelRule.by_deficit(values), (1, 0))):
        assert rule[kept].tolist() == [1.0, 2.0] and rule[empty].shape == (0,)
        with pytest.raises(ValueError, match="read-only"):
            rule[kept][0] = 3.0
    assert [len(part) for part in GOING_ROUND] == [0, 0]


def test_rates_are_the_supplies_times_the_pairs_of_a_shot() -> None:
    links = [R4.link_class(supply) for supply in R4.supplies()]
    np.testing.assert_allclose(pair_rates(links), np.array(R4.supplies()) * R4.pairs)
