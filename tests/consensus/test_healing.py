"""A committee that is cut in two, or has no keys: nobody forks, and when it heals everybody decides."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ceas_ray.consensus.tetrabft import faults_of
from ceas_ray.messages.payloads import Frame, replica_name
from tests.consensus.committee import DELTA, OPENS, Network


class CutNetwork(Network):
    """Until `heals` (Delta after the inputs could close) nothing passes between `apart` and the other replicas."""

    def __init__(self, replicas: int, apart: set[int], heals: int, silent: frozenset[int] = frozenset()) -> None:
        self._apart, self._heals = {*map(replica_name, apart)}, OPENS + heals * DELTA
        super().__init__(replicas, silent=silent)

    def push(self, at: int, replica: int, sender: str, payload: Any) -> None:
        between = (sender in self._apart) != (replica_name(replica) in self._apart)
        from_a_replica = isinstance(payload, Frame) and sender.startswith("replica/")
        if not (from_a_replica and between and self.now < self._heals):
            super().push(at, replica, sender, payload)


@pytest.mark.parametrize("heals", [0, 5, 20, 38, 60, 200])
@pytest.mark.parametrize("apart", [{0}, {3}, {0, 1}])
def test_whoever_was_cut_off_decides_soon_after_the_network_heals_however_long_that_took(
    apart: set[int], heals: int
) -> None:
    """A question that nobody heard must be asked again: its key is spent, so it is the same frame."""
    network = CutNetwork(4, apart, heals)
    network.run()
    assert {j for j, _ in network.decided} == {0, 1, 2, 3}
    assert len(network.states()) == 1
    if heals and len(apart) == 1:
        connected = {network.decided[j, 0].view for j in set(range(4)) - apart}
        assert connected == {1 if apart == {0} else 0}, "the larger part did not wait"
    network.assert_nobody_contradicted_itself()


@given(replicas=st.sampled_from([4, 5, 7]), heals=st.integers(0, 100), seed=st.integers(0, 10**6))
@settings(max_examples=60, deadline=None)
def test_in_whatever_parts_the_committee_falls_it_decides_one_value_within_five_views_after_healing(
    replicas: int, heals: int, seed: int
) -> None:
    draw = np.random.default_rng(seed)
    silent = frozenset(draw.permutation(replicas)[: draw.integers(faults_of(replicas) + 1)].tolist())
    apart = set(draw.permutation(replicas)[: draw.integers(1, replicas)].tolist())
    network = CutNetwork(replicas, apart, heals, silent)
    network.run()
    assert {j for j, _ in network.decided} == set(range(replicas)) - silent
    assert len({decided.digest for decided in network.decided.values()}) == len(network.states()) == 1
    assert max(network.decide_times().values()) <= heals + 50
    network.assert_nobody_contradicted_itself()
