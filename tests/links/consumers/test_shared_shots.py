"""Links that share a hub's channels."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from ceas_ray.links.consumers.shared_shots import Channels, serve_shared_shots
from ceas_ray.links.consumers.shots import ShotDemand
from ceas_ray.links.consumers.stock import read_only, stock_rule
from ceas_ray.links.engine.route import RouteModel, RouteRules, RouteState
from ceas_ray.messages.pair_books import EXPIRED, GENERATED, USED
from ceas_ray.network.link_parameters import LinkParameters
from ceas_ray.network.route import Swapping
from ceas_ray.scheduling.freshest_first import FreshestFirst
from ceas_ray.scheduling.mdp import Mdp
from ceas_ray.scheduling.oblivious import Oblivious
from ceas_ray.scheduling.on_demand import OnDemand
from ceas_ray.scheduling.perishable_chain import LinkClass
from ceas_ray.scheduling.two_level import TwoLevel
from tests.links.routes import generator

PERIOD, PAIRS, BURST, SLOTS = 10**9, 3, 4, 9
SCHEDULERS = (Oblivious(), OnDemand(), FreshestFirst(), TwoLevel(1, 7), Mdp(0.2, 0.95, 0.99, 2, 4, 3))


def link(supply: float) -> LinkParameters:
    return LinkParameters(1.0, PERIOD // 20, 4, supply * PAIRS / 80, 0.95, 0.02)


def link_class(supply: float, age: float) -> LinkClass:
    return LinkClass(SLOTS, PAIRS, BURST, 3.0, False, int(age), 80, supply * PAIRS / 80, 80, 4)


def demand(seed: int, bursts: int) -> ShotDemand:
    gaps = np.round(np.random.default_rng(seed).exponential(30, bursts)).astype(np.int64) * (PERIOD // 10)
    starts = np.cumsum(gaps) + np.arange(bursts) * BURST * PERIOD
    releases = (starts[:, None] + np.arange(BURST) * PERIOD).ravel()
    no_tests = read_only(np.zeros(len(releases), bool))
    return ShotDemand(0, read_only(releases), no_tests, PAIRS, 0, PERIOD, PERIOD, BURST)


@settings(max_examples=25)
@given(
    scheduler=st.sampled_from(SCHEDULERS), channels=st.integers(1, 4), seed=st.integers(0, 10**6),
    bursts=st.integers(1, 8),
)  # fmt: skip
def test_the_hub_never_drives_more_links_than_it_has_channels(
    scheduler: Any, channels: int, seed: int, bursts: int
) -> None:
    supplies, slot = (0.8, 1.5, 3.0), PERIOD // 10
    demands = [demand(seed + k, bursts) for k in range(3)]
    classes = [link_class(supply, 3.0) for supply in supplies]
    gains: list[Any] = [(np.zeros((0, 0, 0), np.float32),) * 2] * 3
    if isinstance(scheduler, Mdp):
        solved = [scheduler.solved(of_link) for of_link in classes]
        gains = [
            (np.stack([m.first.gap_gain, m.second.gap_gain]), np.stack([m.first.burst_gain, m.second.burst_gain]))
            for m in solved
        ]
    models = [RouteModel.of([link(supply)], Swapping(0.98)) for supply in supplies]
    rules = RouteRules(SLOTS, 3 * PERIOD, 0.0, True, False)
    states = [RouteState(generator(seed + k), model, rules, 0) for k, model in enumerate(models)]
    books, stored = serve_shared_shots(
        states,
        policies=[stock_rule(scheduler.stock_policy(of_link), SLOTS) for of_link in classes],
        demands=demands,
        gains=gains,
        channels=Channels(channels, slot),
    )
    slots = -(-(max(int(d.releases[-1]) for d in demands) + PERIOD) // slot)
    assert books.driven[0] <= min(books.asked[0], channels * slots)
    for k, state in enumerate(states):
        row = state.books[0]
        assert (row >= 0).all() and 0 <= stored[k] <= SLOTS
        assert row[GENERATED] == row[USED] + row[EXPIRED] + stored[k]
        assert row[USED] == PAIRS * books.on_time[k].sum()
