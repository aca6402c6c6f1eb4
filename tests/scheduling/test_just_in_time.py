"""Just-in-time generation before each burst."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ceas_ray.scheduling.just_in_time import JustInTime
from ceas_ray.scheduling.on_demand import OnDemand
from tests.scheduling.measured import T1, T4, measured, served


def test_just_in_time_makes_nothing_before_its_lead() -> None:
    """Pairs are younger than the lead and the burst together; without a lead it is generation on demand."""
    for lead in (0.5, 2.0, 4.0):
        books, fresh = served(T4, JustInTime(lead).stock_policy(T4), gap=24, bursts=300, seed=1)
        oldest = -np.log(books.werner[books.on_time].min() / fresh) / T4.decay
        assert oldest <= lead + T4.burst + 0.01
    at_once, on_demand = measured(T4, JustInTime(0.0)), measured(T4, OnDemand())
    assert np.array_equal(at_once, on_demand)


def test_a_lead_longer_than_the_gap_is_the_whole_gap() -> None:
    assert np.array_equal(measured(T4, JustInTime(24.0)), measured(T4, JustInTime(1e4)))


def test_just_in_time_refuses_bursts_at_random() -> None:
    with pytest.raises(ValueError, match=r"entanglement\.demand must be rotation for scheduling=just_in_time"):
        JustInTime(3.0).stock_policy(replace(T1, periodic=False))
