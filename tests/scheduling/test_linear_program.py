"""Shares of a hub's channels by a linear program."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ceas_ray.scheduling.channel_rule import pair_rates
from ceas_ray.scheduling.linear_program import LinearProgram, channel_shares
from ceas_ray.scheduling.on_demand import OnDemand
from ceas_ray.scheduling.perishable_chain import LinkClass
from tests.scheduling.measured import R0, R4, SMALL


def limits(links: list[LinkClass]) -> list[float]:
    """The most of a channel's time that each link can use: within bursts, and for what they ask for."""
    return [
        link.burst / (link.burst + link.gap) * min(1.0, link.pairs / rate)
        for link, rate in zip(links, pair_rates(links), strict=True)
    ]


def most_served(links: list[LinkClass], channels: int) -> float:
    """By brute force: in the order of some permutation, each link takes what it can of the time that is left."""
    rates, most = pair_rates(links), 0.0
    for order in itertools.permutations(range(len(links))):
        left, served = float(channels), 0.0
        for k in order:
            share = min(left, limits(links)[k])
            left, served = left - share, served + rates[k] * share
        most = max(most, served)
    return most


@settings(max_examples=40)
@given(
    supplies=st.lists(st.floats(0.2, 4.0), min_size=2, max_size=4), gaps=st.lists(st.floats(0.0, 9.0), min_size=4),
    channels=st.integers(1, 3),
)  # fmt: skip
def test_shares_fit_the_channels_and_serve_as_much_as_any(
    supplies: list[float], gaps: list[float], channels: int
) -> None:
    links = [
        replace(SMALL, success=s * SMALL.pairs / SMALL.trials, gap=g) for s, g in zip(supplies, gaps, strict=False)
    ]
    shares = channel_shares(links, channels)
    assert shares.sum() <= channels + 1e-9
    assert (shares >= 0).all() and (shares <= np.array(limits(links)) + 1e-9).all()
    assert shares @ pair_rates(links) == pytest.approx(most_served(links, channels))


def test_every_link_is_due_what_it_asks_for_where_channels_are_enough_and_slow_ones_nothing_where_they_are_few() -> (
    None
):
    links = [R4.link_class(supply) for supply in R4.supplies()]
    np.testing.assert_allclose(channel_shares(links, R4.channels), limits(links))
    few = channel_shares(links, 7)
    assert few.sum() == pytest.approx(7) and few[0] == 0 and few[-1] == pytest.approx(limits(links)[-1])


def test_the_rule_is_the_deficit_of_these_shares_and_a_channel_of_its_own_serves_on_demand() -> None:
    links = [R4.link_class(supply) for supply in R4.supplies()]
    rule = LinearProgram().channel_rule(links, 7)
    assert rule.due.tolist() == channel_shares(links, 7).tolist() and len(rule.pair_worth) == 0
    link = R0.link_class(R0.supply)
    assert LinearProgram().stock_policy(link) == OnDemand().stock_policy(link)
