"""The measures by which schedulers are judged."""

from __future__ import annotations

from ceas_ray.scheduling.measures import utilization


def test_utilization_is_the_share_of_generated_pairs_that_were_used() -> None:
    assert utilization(3, 4) == 0.75


def test_where_nothing_was_generated_nothing_was_wasted() -> None:
    assert utilization(0, 0) == 1.0
