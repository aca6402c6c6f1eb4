"""The clairvoyant scheduler."""

from __future__ import annotations

import pytest

from ceas_ray.scheduling.clairvoyant import Clairvoyant
from ceas_ray.scheduling.oblivious import Oblivious
from ceas_ray.scheduling.on_demand import OnDemand
from ceas_ray.studies.utilization.regimes import Regime
from ceas_ray.studies.utilization.study import simulate
from tests.scheduling.measured import MDP, R0, R1, R2, R3


@pytest.mark.slow
@pytest.mark.parametrize("regime", [R0, R1, R2, R3], ids=lambda regime: regime.name)
def test_the_clairvoyant_wastes_next_to_nothing_and_serves_as_many_as_anybody(regime: Regime) -> None:
    for seed in (1, 2, 3):
        link = regime.link_class(regime.supply)
        knowing = simulate(regime, Clairvoyant().stock_policy(link), seed, 500)
        assert knowing["utilization"] > 0.97, "an attempt may herald more than it is made for"
        for scheduler in (Oblivious(), MDP, OnDemand()):
            assert simulate(regime, scheduler.stock_policy(link), seed, 500)["on_time"] <= knowing["on_time"]
