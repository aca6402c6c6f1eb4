"""Schedulers in the reference regimes: who serves what, who wastes what, and what nobody can beat."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar

from ceas_ray.cli.run import main
from ceas_ray.messages.payloads import StockPolicy
from ceas_ray.scheduling.bounds import coupled_objective_bound, objective_bound, on_time_bound
from ceas_ray.scheduling.clairvoyant import Clairvoyant
from ceas_ray.scheduling.freshest_first import FreshestFirst
from ceas_ray.scheduling.mdp import Mdp
from ceas_ray.scheduling.oblivious import Oblivious
from ceas_ray.scheduling.on_demand import OnDemand
from ceas_ray.scheduling.perishable_chain import LinkClass, solve
from ceas_ray.scheduling.scheduler import Scheduler
from ceas_ray.scheduling.two_level import TwoLevel
from ceas_ray.studies.utilization.regimes import REGIMES, Regime
from ceas_ray.studies.utilization.study import _coupled_cells, _free, simulate

R0, R1, R2, R3, R4 = REGIMES
MDP = Mdp(0.2, 0.95, 0.9904, 2, 6, 4)


def means(regime: Regime, scheduler: Scheduler, seeds: int = 6, bursts: int = 2000) -> dict[str, float]:
    policy = scheduler.stock_policy(regime.link_class(regime.supply))
    found = [simulate(regime, policy, seed, bursts) for seed in range(1, seeds + 1)]
    return {name: float(np.mean([one[name] for one in found])) for name in found[0]}


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


def test_in_r0_the_mdp_uses_95_percent_and_is_on_time_for_99() -> None:
    found, bound = means(R0, MDP), on_time_bound(R0.relaxed_class(R0.supply), 0.95)
    assert found["utilization"] >= 0.95
    assert found["on_time"] >= 0.99
    assert bound - 0.02 <= found["on_time"] <= bound
    other = means(R0, TwoLevel(1, 14))
    assert found["rounds_per_simulated_second"] >= other["rounds_per_simulated_second"]


def test_where_no_shot_can_be_served_at_the_utilization_wanted_the_mdp_uses_the_most_that_can_be() -> None:
    """T1: a quarter of a shot's pairs in a shot period. Generating nothing would use all of nothing."""
    link = LinkClass(24, 4, 1, 16.0, True, 8, 800, 0.00125, 784, 16)
    found = replace(MDP, gap_slots=1).solved(link)
    assert found.served > 0.05
    assert 0.7 < found.utilization(link.pairs) < MDP.min_utilization


FOUR_PAIRS = LinkClass(24, 4, 8, 8.0, False, 3, 640, 0.01, 624, 16)
"""R0 with four pairs a shot: no policy has .99 on time at utilization .95."""


@pytest.mark.parametrize("link", [
    FOUR_PAIRS, replace(FOUR_PAIRS, pairs=6, trials=720, first_trials=700),
    replace(FOUR_PAIRS, success=0.2, trials=24, first_trials=24, modes=8),
])  # fmt: skip
def test_where_both_cannot_be_had_the_mdp_is_on_time_as_often_as_utilization_allows(link: LinkClass) -> None:
    found = MDP.solved(link)
    assert found.served < MDP.min_on_time
    assert found.utilization(link.pairs) == pytest.approx(0.95, abs=1e-6)
    dual = minimize_scalar(
        lambda price: (
            solve(
                link,
                shot_value=1 + price * link.pairs,
                birth_price=price * 0.95,
                gap_slots=MDP.gap_slots,
                gap_stock=MDP.gap_stock,
            ).value
        ),
        bounds=(0, 3),
        method="bounded",
        options={"xatol": 1e-3},
    )
    assert dual.fun - 2e-4 <= found.served <= dual.fun + 1e-6, "the most by weak duality"


@settings(max_examples=10, deadline=None)
@given(supply=st.floats(0.8, 3), pairs=st.integers(1, 6), age=st.integers(2, 3), least=st.floats(0.5, 0.99))
def test_the_mdp_never_leaves_utilization_unused_while_shots_are_late(
    supply: float, pairs: int, age: int, least: float
) -> None:
    trials = max(1, round(supply * pairs / 0.02))
    link = LinkClass(12, pairs, 4, 4.0, False, age, trials, 0.02, trials, 16)
    found = replace(MDP, min_utilization=least).solved(link)
    utilization = found.utilization(pairs)
    if utilization < least - 1e-6:
        most_used = replace(MDP, objective="precision_per_pair", min_on_time=0.0).solved(link)
        assert utilization == pytest.approx(most_used.utilization(pairs), abs=1e-3), "nobody can use as many"
        assert found.served > 0
        return
    if found.served < MDP.min_on_time - 1e-9:
        most = replace(MDP, waste_price=0.0, min_utilization=0.0).solved(link)
        assert utilization <= least + 1e-6 or found.served >= most.served - 1e-6


@pytest.mark.slow
@pytest.mark.parametrize("regime", [R0, R1, R2, R3], ids=lambda regime: regime.name)
def test_no_scheduler_beats_the_mdp_and_none_the_bound(regime: Regime) -> None:
    best = means(regime, _free(MDP))["objective"]
    bound = objective_bound(regime.relaxed_class(regime.supply), 0.2)
    others = [Oblivious(), OnDemand(), FreshestFirst(), MDP, *(TwoLevel(g, b) for g in (0, 1) for b in (8, 12, 14))]
    for scheduler in others:
        assert means(regime, scheduler)["objective"] <= best + 0.001
    assert best <= bound + 0.002, "beyond noise"


@pytest.mark.parametrize("regime", [R0, R1, R2, R3], ids=lambda regime: regime.name)
def test_the_clairvoyant_wastes_next_to_nothing_and_serves_as_many_as_anybody(regime: Regime) -> None:
    for seed in (1, 2, 3):
        link = regime.link_class(regime.supply)
        knowing = simulate(regime, Clairvoyant().stock_policy(link), seed, 500)
        assert knowing["utilization"] > 0.97, "an attempt may herald more than it is made for"
        for scheduler in (Oblivious(), MDP, OnDemand()):
            assert simulate(regime, scheduler.stock_policy(link), seed, 500)["on_time"] <= knowing["on_time"]


def test_the_freshest_pairs_are_the_best() -> None:
    assert means(R0, FreshestFirst())["contrast"] > means(R0, MDP)["contrast"] > means(R0, Oblivious())["contrast"]


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


def test_a_stock_limit_of_nothing_serves_nothing() -> None:
    assert simulate(R0, StockPolicy(gap_limit=0, burst_limit=0, demand_driven=True), 1, 50)["on_time"] == 0.0


def test_the_mdp_says_what_is_wrong_with_its_settings() -> None:
    with pytest.raises(ValueError, match=r"min_utilization must be a number in \[0, 1\], got 1.5"):
        Mdp(0.2, 1.5, 0.99, 2, 6, 4)
    with pytest.raises(ValueError, match=r"waste_price must be a number in \[0, 1000\], got -0.2"):
        Mdp(-0.2, 0.95, 0.99, 2, 6, 4)


@pytest.mark.slow
def test_the_study_leaves_a_table_plots_and_a_summary(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "study"
    words = ["experiment=utilization", "study.seeds=2", "study.bursts=20", "study.grid=false", "quiet=true"]
    assert main([*words, "tracking=folder", f"output={folder}"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == str(folder / "summary.json")
    summary = json.loads((folder / "summary.json").read_text())
    assert {row["regime"] for row in summary["results"]} == {"R0", "R1", "R2", "R3", "R4"}
    assert set(summary["bounds"]) == {"R0", "R1", "R2", "R3", "R4"}
    assert (folder / "regimes.png").read_bytes().startswith(b"\x89PNG")
    assert len((folder / "rows.csv").read_text().splitlines()) == 1 + 2 * (4 * 8 + 7)
    assert main(["experiment=utilization", "scheduling=oblivious", f"output={tmp_path / 'no'}"]) == 2
    assert "scheduling must be mdp" in capsys.readouterr().err
    assert main(["experiment=utilization", "dry_run=true", f"output={tmp_path / 'no'}"]) == 2
    assert "dry_run must be false for a study" in capsys.readouterr().err
    assert not (tmp_path / "no").exists()
