"""Hosts lost at any call, again and again: the rounds are those of an undisturbed run, each once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ceas_ray.kernel.window_reply import HostStatus, WindowReply
from ceas_ray.kernel.windows import Simulation, WindowRequest
from ceas_ray.runtime.failure import HostLost, RuntimeFailure
from ceas_ray.runtime.local_runtime import LocalCluster
from ceas_ray.runtime.recovery import MAX_FAULTS_WITHOUT_A_ROUND, Fault, SurvivingSimulation
from tests.kernel.random_actors import cluster, encoded


def rounds_of(seed: int) -> list[bytes]:
    return [end.digest for end in Simulation(cluster(seed, 1, True)).rounds()]


LIVELY = [seed for seed in range(300) if len(rounds_of(seed)) >= 2]
"""Worlds of random actors that mark more rounds than one."""


class FragileCluster:
    """Loses all hosts at the calls of these numbers, before or after the hosts did what they were asked."""

    def __init__(self, seed: int, hosts: int, losses: Mapping[int, bool]) -> None:
        self._make = lambda: cluster(seed, hosts, True)
        self._losses, self._calls = losses, 0
        self._hosts = self._make()
        self.faults: list[Fault] = []

    def rebuild(self) -> None:
        self._hosts = self._make()

    def _call(self, name: str, *arguments: Any) -> Any:
        self._calls += 1
        executed = self._losses.get(self._calls)
        if executed is not None:
            if executed:
                getattr(self._hosts, name)(*arguments)
            raise HostLost(f"call {self._calls}")
        return getattr(self._hosts, name)(*arguments)

    def directory(self) -> dict[str, dict[str, tuple[int, int]]]:
        found: dict[str, dict[str, tuple[int, int]]] = self._hosts.directory()
        return found

    def connect(self, placement: Mapping[str, str], lookahead_of_host: Mapping[str, int]) -> dict[str, HostStatus]:
        found: dict[str, HostStatus] = self._hosts.connect(placement, lookahead_of_host)
        return found

    def step(self, requests: Mapping[str, WindowRequest]) -> dict[str, WindowReply]:
        found: dict[str, WindowReply] = self._call("step", requests)
        return found

    def accounts(self) -> dict[str, dict[str, int]]:
        totals: dict[str, dict[str, int]] = self._call("accounts")
        return totals

    def snapshot(self) -> dict[str, Any]:
        found: dict[str, Any] = self._call("snapshot")
        return found

    def restore(self, actors: Mapping[str, Any]) -> None:
        self._call("restore", actors)


@settings(max_examples=200)
@given(
    seed=st.sampled_from(LIVELY), hosts=st.integers(1, 4), every=st.integers(1, 4),
    losses=st.dictionaries(st.integers(1, 200), st.booleans(), max_size=6),
)  # fmt: skip
def test_lost_hosts_change_no_round(seed: int, hosts: int, every: int, losses: dict[int, bool]) -> None:
    undisturbed = rounds_of(seed)
    fragile = FragileCluster(seed, hosts, losses)
    simulation = SurvivingSimulation(fragile, fragile.rebuild, fragile.faults.append)
    found: list[bytes] = []
    for end in simulation.rounds():
        found.append(end.digest)
        if len(found) % every == 0:
            encoded(dict(simulation.cut()))
    assert found == undisturbed
    assert all(0 <= fault.rounds - fault.replayed_from <= every for fault in fragile.faults)


def test_hosts_that_are_always_lost_end_the_run_with_the_last_cause() -> None:
    fragile = FragileCluster(1, 2, dict.fromkeys(range(1, 10**4), True))
    simulation = SurvivingSimulation(fragile, fragile.rebuild, fragile.faults.append)
    with pytest.raises(RuntimeFailure, match=f"{MAX_FAULTS_WITHOUT_A_ROUND} faults without a round; the last: call"):
        list(simulation.rounds())
    assert len(fragile.faults) == MAX_FAULTS_WITHOUT_A_ROUND


def test_where_hosts_cannot_be_made_anew_their_loss_is_an_error() -> None:
    fragile = FragileCluster(1, 2, {1: True})
    with pytest.raises(HostLost):
        list(SurvivingSimulation(fragile).rounds())


def test_a_replay_that_differs_is_an_error() -> None:
    whole = FragileCluster(LIVELY[0], 2, {})
    list(SurvivingSimulation(whole).rounds())
    fragile = FragileCluster(LIVELY[0], 2, {whole._calls: True})
    fragile._make = lambda: cluster(LIVELY[1], 2, True)  # other machines compute other bits
    simulation = SurvivingSimulation(fragile, fragile.rebuild)
    with pytest.raises(RuntimeFailure, match="replayed with another result"):
        list(simulation.rounds())


def test_a_local_cluster_needs_no_rebuilding() -> None:
    local = cluster(LIVELY[0], 3, True)
    assert isinstance(local, LocalCluster)
    assert [end.digest for end in SurvivingSimulation(local).rounds()] == rounds_of(LIVELY[0])
