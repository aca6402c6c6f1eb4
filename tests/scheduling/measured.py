"""Schedulers at work on links of known timetables, and in the regimes of the utilization study."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from ceas_ray.kernel.streams import Streams
from ceas_ray.links.consumers.shot_demand import ShotDemand
from ceas_ray.links.consumers.shots import ShotBooks, serve_shots
from ceas_ray.links.consumers.stock import read_only, stock_rule
from ceas_ray.links.engine.route import RouteModel, RouteRules, RouteState
from ceas_ray.messages.payloads import StockPolicy
from ceas_ray.network.link_parameters import LinkParameters
from ceas_ray.network.route import Swapping
from ceas_ray.scheduling.mdp import Mdp
from ceas_ray.scheduling.perishable_chain import LinkClass
from ceas_ray.scheduling.scheduler import Scheduler
from ceas_ray.studies.utilization.regimes import REGIMES, Regime
from ceas_ray.studies.utilization.study import simulate

PERIOD = 10**9
PER_PAIR = Mdp(0.0, 0.0, 0.0, 1, 16, 12, objective="precision_per_pair")
T1 = LinkClass(24, 4, 1, 16.0, True, 8, 800, 0.00125, 800, 16, 1 / 30)
T2, T4 = replace(T1, burst=2), replace(T1, burst=4, gap=12.0, classes=6, success=0.002)
R0, R1, R2, R3, R4 = REGIMES
MDP = Mdp(0.2, 0.95, 0.9904, 2, 6, 4)
FOUR_PAIRS = LinkClass(24, 4, 8, 8.0, False, 3, 640, 0.01, 624, 16)
"""R0 with four pairs a shot: no policy has .99 on time at utilization .95."""
SMALL = LinkClass(12, 2, 2, 5.0, True, 4, 40, 0.02, 40, 8, 0.05)


def served(link: LinkClass, policy: StockPolicy, *, gap: int, bursts: int, seed: int) -> tuple[ShotBooks, float]:
    """What becomes of the shots of a link, and the Werner parameter of a fresh pair."""
    starts = np.arange(1, bursts + 1) * gap + np.arange(bursts) * link.burst
    releases = ((starts[:, None] + np.arange(link.burst)) * PERIOD).ravel()
    coherence = 2 * PERIOD * 1e-12 / link.decay
    leg = LinkParameters(1e-9, PERIOD // link.attempts, link.modes, link.success, 0.97, coherence)
    model = RouteModel.of([leg], Swapping(1.0), signalling=False)
    rules = RouteRules(link.slots, link.classes * PERIOD, 0.0, corrected=True, stops=False)
    books, _ = serve_shots(
        RouteState(Streams(seed).generator("test", "test", "pairs", 0), model, rules, 0),
        stock_rule(policy, link.slots),
        ShotDemand(0, read_only(releases), read_only(np.zeros(len(releases), bool)), link.pairs, 0, PERIOD, PERIOD,
                   link.burst),
    )  # fmt: skip
    return books, (4 * 0.97 - 1) / 3


def measured(link: LinkClass, scheduler: Any, *, gap: int = 24, bursts: int = 1500, seed: int = 1) -> Any:
    """Per shot: births, share on time, precision."""
    books, fresh = served(link, scheduler.stock_policy(link), gap=gap, bursts=bursts, seed=seed)
    shots = len(books.on_time)
    precision = np.sum(np.mean(books.werner[books.on_time] / fresh, axis=1) ** link.pairs) / shots
    return np.array([books.counts[0, 0, 0] / shots, books.on_time.mean(), precision])


def means(regime: Regime, scheduler: Scheduler, seeds: int = 6, bursts: int = 2000) -> dict[str, float]:
    policy = scheduler.stock_policy(regime.link_class(regime.supply))
    found = [simulate(regime, policy, seed, bursts) for seed in range(1, seeds + 1)]
    return {name: float(np.mean([one[name] for one in found])) for name in found[0]}
