"""Links that share a hub's channels."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ceas_ray.links.consumers.shared_shots import Channels, SharedBooks, _drive, _Turns, serve_shared_shots
from ceas_ray.links.consumers.shot_demand import ShotDemand
from ceas_ray.links.consumers.stock import read_only, stock_rule
from ceas_ray.links.engine.route import RouteModel, RouteRules, RouteState
from ceas_ray.messages.pair_books import EXPIRED, GENERATED, USED
from ceas_ray.network.link_parameters import LinkParameters
from ceas_ray.network.route import Swapping
from ceas_ray.scheduling.channel_rule import GOING_ROUND, ChannelRule
from ceas_ray.scheduling.freshest_first import FreshestFirst
from ceas_ray.scheduling.linear_program import LinearProgram
from ceas_ray.scheduling.max_weight import MaxWeight
from ceas_ray.scheduling.mdp import Mdp
from ceas_ray.scheduling.oblivious import Oblivious
from ceas_ray.scheduling.on_demand import OnDemand
from ceas_ray.scheduling.perishable_chain import LinkClass
from ceas_ray.scheduling.two_level import TwoLevel
from tests.links.routes import generator

PERIOD, PAIRS, BURST, SLOTS = 10**9, 3, 4, 9
SHARING = (MaxWeight(), LinearProgram())
SCHEDULERS = (Oblivious(), OnDemand(), FreshestFirst(), TwoLevel(1, 7), *SHARING, Mdp(0.2, 0.95, 0.99, 2, 4, 3))
SUPPLIES = (0.8, 1.5, 3.0)


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


@pytest.mark.slow
@settings(max_examples=25)
@given(
    scheduler=st.sampled_from(SCHEDULERS), channels=st.integers(1, 4), seed=st.integers(0, 10**6),
    bursts=st.integers(1, 8),
)  # fmt: skip
def test_the_hub_never_drives_more_links_than_it_has_channels(
    scheduler: Any, channels: int, seed: int, bursts: int
) -> None:
    slot, demands = PERIOD // 10, [demand(seed + k, bursts) for k in range(3)]
    books, states, stored = served(scheduler, channels, seed, bursts)
    slots = -(-(max(int(d.releases[-1]) for d in demands) + PERIOD) // slot)
    assert books.driven[0] <= min(books.asked[0], channels * slots)
    for k, state in enumerate(states):
        row = state.books[0]
        assert (row >= 0).all() and 0 <= stored[k] <= SLOTS
        assert row[GENERATED] == row[USED] + row[EXPIRED] + stored[k]
        assert row[USED] == PAIRS * books.on_time[k].sum()


@settings(max_examples=10)
@given(scheduler=st.sampled_from(SHARING), seed=st.integers(0, 10**6), bursts=st.integers(1, 8))
def test_with_a_channel_for_each_link_schedulers_of_channels_generate_on_demand(
    scheduler: Any, seed: int, bursts: int
) -> None:
    (found, _, stored), (other, _, kept) = served(scheduler, 3, seed, bursts), served(OnDemand(), 3, seed, bursts)
    assert [part.tolist() for part in found] == [part.tolist() for part in other]
    assert stored.tolist() == kept.tolist() and found.driven[0] == found.asked[0]


def driven(asks: list[bool], worth: list[float], channels: int, rule: ChannelRule) -> tuple[Any, Any]:
    """Which links the hub drives, and what they are owed then."""
    number = len(asks)
    turns = _Turns(*np.zeros((6, number), np.int64), np.array(asks), np.array(worth), np.array(worth))
    books = SharedBooks(*np.zeros((4, 1), np.int64))
    _drive.py_func(Channels(channels, PERIOD, rule), turns, books)
    assert books.driven[0] == turns.asks.sum()
    return turns.asks, turns.owed


@given(links=st.lists(st.tuples(st.booleans(), st.integers(0, 5)), min_size=1, max_size=6), channels=st.integers(1, 4))
def test_no_channel_is_idle_while_links_ask_and_no_other_choice_is_worth_more(
    links: list[tuple[bool, int]], channels: int
) -> None:
    asks, worth = [asks for asks, _ in links], [float(worth) for _, worth in links]
    chosen, owed = driven(asks, worth, channels, GOING_ROUND)
    asking = [k for k, asked in enumerate(asks) if asked]
    assert chosen.sum() == min(channels, len(asking)) and set(np.flatnonzero(chosen)) <= set(asking)
    choices = itertools.combinations(asking, int(chosen.sum()))
    assert np.array(worth)[chosen].sum() == max(sum(worth[k] for k in some) for some in choices)
    assert owed.tolist() == worth


def test_a_link_that_is_driven_is_owed_a_slot_less() -> None:
    chosen, owed = driven([True, True, False], [0.5, 1.5, 3.0], 1, ChannelRule.by_deficit(np.full(3, 0.2)))
    assert chosen.tolist() == [False, True, False] and owed.tolist() == [0.5, 0.5, 3.0]


def served(scheduler: Any, channels: int, seed: int, bursts: int) -> tuple[SharedBooks, list[RouteState], Any]:
    """Return what became of the shots of three links, the links, and their stocks."""
    classes = [link_class(supply, 3.0) for supply in SUPPLIES]
    gains: list[Any] = [(np.zeros((0, 0, 0), np.float32),) * 2] * 3
    if isinstance(scheduler, Mdp):
        solved = [scheduler.solved(of_link) for of_link in classes]
        gains = [
            (np.stack([m.first.gap_gain, m.second.gap_gain]), np.stack([m.first.burst_gain, m.second.burst_gain]))
            for m in solved
        ]
    rule = (
        scheduler.channel_rule(classes, channels) if isinstance(scheduler, MaxWeight | LinearProgram) else GOING_ROUND
    )
    models = [RouteModel.of([link(supply)], Swapping(0.98)) for supply in SUPPLIES]
    rules = RouteRules(SLOTS, 3 * PERIOD, 0.0, True, False)
    states = [RouteState(generator(seed + k), model, rules, 0) for k, model in enumerate(models)]
    books, stored = serve_shared_shots(
        states,
        policies=[stock_rule(scheduler.stock_policy(of_link), SLOTS) for of_link in classes],
        demands=[demand(seed + k, bursts) for k in range(3)],
        gains=gains,
        channels=Channels(channels, PERIOD // 10, rule),
    )
    return books, states, stored
