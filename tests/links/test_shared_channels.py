"""Links that share a hub's channels, and the books of every scheduler."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from ceas_ray.kernel.streams import Streams
from ceas_ray.links.link_loop import ShotBooks, ShotDemand, link_model, run_shots, stock_rule
from ceas_ray.links.shared_channels import SharedBooks, run_shared_shots
from ceas_ray.messages.pair_books import EXPIRED, GENERATED, TESTING, TRAINING, USED
from ceas_ray.network.link_parameters import LinkParameters
from ceas_ray.scheduling.clairvoyant import Clairvoyant
from ceas_ray.scheduling.freshest_first import FreshestFirst
from ceas_ray.scheduling.mdp import Mdp
from ceas_ray.scheduling.oblivious import Oblivious
from ceas_ray.scheduling.on_demand import OnDemand
from ceas_ray.scheduling.perishable_chain import LinkClass
from ceas_ray.scheduling.two_level import TwoLevel

PERIOD, PAIRS, BURST, SLOTS = 10**9, 3, 4, 9
SCHEDULERS = (Oblivious(), OnDemand(), FreshestFirst(), TwoLevel(1, 7), Mdp(0.2, 0.95, 0.99, 2, 4, 3), Clairvoyant())


def link(supply: float) -> LinkParameters:
    return LinkParameters(1.0, PERIOD // 20, 4, supply * PAIRS / 80, 0.95, 0.02)


def link_class(supply: float, age: float) -> LinkClass:
    return LinkClass(SLOTS, PAIRS, BURST, 3.0, False, int(age), 80, supply * PAIRS / 80, 80, 4)


def demand(seed: int, bursts: int, age: float, tests: float) -> ShotDemand:
    generator = np.random.default_rng(seed)
    gaps = np.round(generator.exponential(30, bursts)).astype(np.int64) * (PERIOD // 10)
    starts = np.cumsum(gaps) + np.arange(bursts) * BURST * PERIOD
    releases = (starts[:, None] + np.arange(BURST) * PERIOD).ravel()
    is_test = generator.random(len(releases)) < tests
    for array in (releases, is_test):
        array.setflags(write=False)
    return ShotDemand(0, releases, is_test, PAIRS, PERIOD, round(age * PERIOD), PERIOD, BURST)


@settings(max_examples=60)
@given(
    scheduler=st.sampled_from(SCHEDULERS), supply=st.floats(0.3, 4), age=st.floats(1, 3.9), seed=st.integers(0, 10**6),
    tests=st.floats(0, 1), bursts=st.integers(1, 12),
)  # fmt: skip
def test_every_scheduler_accounts_for_every_pair(
    scheduler: Any, supply: float, age: float, seed: int, tests: float, bursts: int
) -> None:
    asked = demand(seed, bursts, age, tests)
    shots = len(asked.releases)
    books = ShotBooks(
        np.zeros((3, 5), np.int64), np.zeros(shots, bool), np.zeros((shots, PAIRS)), np.zeros(3, np.int64),
        np.zeros(3, np.int64), np.zeros((shots, 2)),
    )  # fmt: skip
    rule = stock_rule(scheduler.stock_policy(link_class(supply, age)), SLOTS)
    model = link_model(link(supply), 0.98)
    stored = run_shots(Streams(seed).generator("test", "test", "pairs", 0), model, asked, rule, books)
    counts = books.counts
    assert (counts >= 0).all() and 0 <= stored <= SLOTS
    assert counts[TRAINING, GENERATED] == counts[TRAINING, [USED, EXPIRED]].sum() + stored
    assert counts[TESTING, GENERATED] == counts[TESTING, USED] == books.tested.sum()
    assert counts[:, USED].sum() == PAIRS * books.on_time.sum()
    used = books.werner[books.on_time]
    oldest = 0.98 * (4 * 0.95 - 1) / 3 * np.exp(-2 * age * PERIOD * 1e-12 / 0.02)
    assert (used >= oldest - 1e-12).all()


@settings(max_examples=25)
@given(
    scheduler=st.sampled_from(SCHEDULERS[:5]), channels=st.integers(1, 4), seed=st.integers(0, 10**6),
    bursts=st.integers(1, 8),
)  # fmt: skip
def test_the_hub_never_drives_more_links_than_it_has_channels(
    scheduler: Any, channels: int, seed: int, bursts: int
) -> None:
    supplies, slot = (0.8, 1.5, 3.0), PERIOD // 10
    demands = tuple(demand(seed + k, bursts, 3.0, 0.0) for k in range(3))
    shots = len(demands[0].releases)
    books = SharedBooks(
        np.zeros((3, 3, 5), np.int64), np.zeros((3, shots), bool), np.zeros(3), np.zeros(1, np.int64),
        np.zeros(1, np.int64),
    )  # fmt: skip
    classes = [link_class(supply, 3.0) for supply in supplies]
    gains = [np.zeros((0, 0, 0), np.float32)] * 3, [np.zeros((0, 0, 0), np.float32)] * 3
    if isinstance(scheduler, Mdp):
        solved = [scheduler.solved(of_link) for of_link in classes]
        gains = (
            [np.stack([m.first.gap_gain, m.second.gap_gain]) for m in solved],
            [np.stack([m.first.burst_gain, m.second.burst_gain]) for m in solved],
        )
    stored = run_shared_shots(
        tuple(Streams(seed).generator("link", f"link/{k}", "pairs", 0) for k in range(3)),
        tuple(link_model(link(supply), 0.98) for supply in supplies), demands,
        tuple(stock_rule(scheduler.stock_policy(of_link), SLOTS) for of_link in classes),
        tuple(gains[0]), tuple(gains[1]), slot, channels, books,
    )  # fmt: skip
    slots = -(-(max(int(d.releases[-1]) for d in demands) + PERIOD) // slot)
    assert books.driven[0] <= min(books.asked[0], channels * slots)
    for k in range(3):
        row = books.counts[k, TRAINING]
        assert (row >= 0).all() and 0 <= stored[k] <= SLOTS
        assert row[GENERATED] == row[USED] + row[EXPIRED] + stored[k]
        assert row[USED] == PAIRS * books.on_time[k].sum()
