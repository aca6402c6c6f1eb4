"""The faults of the classical network."""

from __future__ import annotations

import pytest

from ceas_ray.config.schema import RunSettings
from ceas_ray.config.validation import build
from ceas_ray.consensus.faults.unreliable_network import OnUnreliableNetwork
from ceas_ray.kernel.actor import Actor
from ceas_ray.kernel.envelope import Effect, Envelope
from ceas_ray.kernel.streams import Streams
from ceas_ray.world.classical_network import on_network
from tests.composed_settings import composed_once
from tests.small_worlds import SMALL


class Quiet(Actor):
    """Says nothing."""

    def __init__(self) -> None:
        self.name, self.lookahead, self.own_lookahead = "replica/0", 1, 1

    def handle(self, envelope: Envelope) -> list[Effect]:
        return []


def behind(*overrides: str) -> Actor:
    return on_network(build(RunSettings, composed_once([*SMALL, *overrides])), Quiet(), Streams(1))


def test_without_faults_nothing_stands_between_an_actor_and_the_network() -> None:
    assert isinstance(behind(), Quiet)


@pytest.mark.parametrize("fault", [
    "consensus.loss_probability=0.1",
    "consensus.network_partition={replicas:[0],begins_seconds:0.1,heals_seconds:0.2}",
])  # fmt: skip
def test_an_actor_stands_behind_each_fault_that_is_set(fault: str) -> None:
    assert isinstance(behind(fault), OnUnreliableNetwork)
