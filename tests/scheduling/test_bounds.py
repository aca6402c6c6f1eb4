"""Bounds that hold for every scheduler."""

from __future__ import annotations

import numpy as np
import pytest

from ceas_ray.scheduling.base_stock import BaseStock
from ceas_ray.scheduling.bounds import coupled_objective_bound, objective_bound, precision_bound
from ceas_ray.scheduling.freshest_first import FreshestFirst
from ceas_ray.scheduling.just_in_time import JustInTime
from ceas_ray.scheduling.oblivious import Oblivious
from ceas_ray.scheduling.on_demand import OnDemand
from ceas_ray.scheduling.perishable_chain import LinkClass
from ceas_ray.scheduling.two_level import TwoLevel
from ceas_ray.studies.utilization.regimes import Regime
from ceas_ray.studies.utilization.study import _coupled_cells, _free
from tests.scheduling.measured import MDP, PER_PAIR, R0, R1, R2, R3, SMALL, T1, means, measured


@pytest.mark.slow
@pytest.mark.parametrize("link", [T1, SMALL], ids=["T1", "small"])
def test_nobody_has_more_precision_than_the_bound_at_the_pairs_that_it_generates(link: LinkClass) -> None:
    others = [Oblivious(), FreshestFirst(), OnDemand(), BaseStock(4), JustInTime(3.0), TwoLevel(3, 24), PER_PAIR]
    for scheduler in others:
        births, _, precision = np.mean([measured(link, scheduler, bursts=800, seed=seed) for seed in (1, 2)], axis=0)
        assert precision <= precision_bound(link, births) + 0.01


@pytest.mark.slow
@pytest.mark.parametrize("regime", [R0, R1, R2, R3], ids=lambda regime: regime.name)
def test_no_scheduler_beats_the_mdp_and_none_the_bound(regime: Regime) -> None:
    best = means(regime, _free(MDP))["objective"]
    bound = objective_bound(regime.relaxed_class(regime.supply), 0.2)
    others = [Oblivious(), OnDemand(), FreshestFirst(), MDP, *(TwoLevel(g, b) for g in (0, 1) for b in (8, 12, 14))]
    for scheduler in others:
        assert means(regime, scheduler)["objective"] <= best + 0.001
    assert best <= bound + 0.002, "beyond noise"


@pytest.mark.slow
def test_links_that_share_channels_are_worth_less_than_the_bound_and_mdp_more_than_two_levels() -> None:
    few = Regime("few", 1.2, 3.0, 24, 8.0, False, links=6, channels=3, max_supply=2.4)
    found: dict[str, list[float]] = {}
    for row in _coupled_cells(few, MDP, range(1, 5), 2000):
        found.setdefault(row["scheduler"], []).append(row["objective"])
    bound, price = coupled_objective_bound([few.relaxed_class(s) for s in few.supplies()], 3, 0.2)
    assert price >= 0
    for name, values in found.items():
        assert np.mean(values) <= bound + 0.003, name
    gain = np.array(found["mdp_free"]) - np.array(found["two_level_free"])
    assert gain.mean() > 0
