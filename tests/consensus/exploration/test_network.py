"""The network of a scenario."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ceas_ray.consensus.exploration.draws import Draws
from ceas_ray.consensus.exploration.network import HurryingNetwork, Network, UnequalNetwork

CALM_AT, TOPIC = 18.0, (1, 0)


def network(kind: Any, *more: int) -> Any:
    return kind(Draws(5, "network"), 4, CALM_AT, *more)


@pytest.mark.parametrize("made", [(Network,), (UnequalNetwork,), (HurryingNetwork, 2)])
def test_a_message_of_the_calm_takes_at_most_one_delta(made: Any) -> None:
    found = network(*made)
    for now in np.linspace(CALM_AT, 200, 500):
        for sender, receiver in ((0, 1), (2, 3), (3, 2)):
            assert now < found.arrival(float(now), sender, receiver, TOPIC) <= now + 1.0


@pytest.mark.parametrize("made", [(Network,), (UnequalNetwork,), (HurryingNetwork, 2)])
def test_whatever_was_sent_before_the_calm_arrives_within_one_delta_of_it(made: Any) -> None:
    found = network(*made)
    for view in range(300):
        arrival = found.arrival(view % 18, 0, 1, (1, view))
        assert view % 18 <= arrival <= CALM_AT + 1.0


def test_until_the_calm_a_partition_holds_for_all_messages_of_a_kind_and_view() -> None:
    found = network(Network)
    for view in range(100):
        crosses = {found.arrival(0.0, 0, 1, (1, view)) >= CALM_AT for _ in range(5)}
        assert len(crosses) == 1


def test_an_unequal_link_keeps_its_delay() -> None:
    found = network(UnequalNetwork)
    delays = {round(found.arrival(now, 0, 1, TOPIC) - now, 9) for now in (20.0, 30.0, 40.0)}
    assert len(delays) == 1


def test_the_hurried_replica_hears_of_each_view_a_little_sooner() -> None:
    found = network(HurryingNetwork, 2)
    delays = [found.arrival(now, 0, 2, TOPIC) - now for now in np.linspace(20.0, 120.0, 12)]
    assert delays == sorted(delays, reverse=True)
    assert delays[0] > delays[-1]
