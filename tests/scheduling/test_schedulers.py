"""Schedulers in the reference regimes: who serves what, who wastes what, and what nobody can beat."""

from __future__ import annotations

import pytest

from ceas_ray.messages.payloads import StockPolicy
from ceas_ray.scheduling.oblivious import Oblivious
from ceas_ray.scheduling.on_demand import OnDemand
from ceas_ray.scheduling.scheduler import Scheduler
from ceas_ray.scheduling.two_level import TwoLevel
from ceas_ray.studies.utilization.regimes import Regime
from ceas_ray.studies.utilization.study import simulate
from tests.scheduling.measured import MDP, R0, R1, R2, means


@pytest.mark.parametrize(("regime", "scheduler", "utilization", "on_time"), [
    (R0, Oblivious(), 0.402, 1.000), (R0, OnDemand(), 0.891, 0.953), (R0, TwoLevel(1, 14), 0.952, 0.993),
    (R1, TwoLevel(1, 14), 0.966, 0.993), (R2, MDP, 0.996, 0.9992),
])  # fmt: skip
def test_regimes_are_as_measured_independently(
    regime: Regime, scheduler: Scheduler, utilization: float, on_time: float
) -> None:
    found = means(regime, scheduler)
    assert found["utilization"] == pytest.approx(utilization, abs=0.01)
    assert found["on_time"] == pytest.approx(on_time, abs=0.006)


def test_a_stock_limit_of_nothing_serves_nothing() -> None:
    assert simulate(R0, StockPolicy(gap_limit=0, burst_limit=0, demand_driven=True), 1, 50)["on_time"] == 0.0
