"""A cluster that is lost as a whole costs a run time, or ends it with a line that says how to go on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ceas_ray.kernel.window_reply import HostStatus, WindowReply
from ceas_ray.kernel.windows import WindowRequest
from ceas_ray.runtime.failure import ClusterLost, HostLost, RuntimeFailure
from ceas_ray.runtime.local_runtime import LocalCluster
from ceas_ray.runtime.reconnecting_cluster import OnLostCluster, ReconnectingCluster
from ceas_ray.runtime.recovery import Fault, SurvivingSimulation
from tests.kernel.random_actors import cluster
from tests.runtime.test_recovery import LIVELY, rounds_of


class Losses:
    """Tells which of all calls lose a cluster or its hosts, and which attempts to connect fail."""

    def __init__(self, calls: Mapping[int, type[RuntimeFailure]], refusals: set[int] = frozenset()) -> None:  # type: ignore[assignment]
        self._calls, self._refusals = calls, refusals
        self.calls = self.attempts = 0

    def call(self) -> None:
        self.calls += 1
        loss = self._calls.get(self.calls)
        if loss is not None:
            raise loss(f"call {self.calls}")

    def attempt(self) -> None:
        self.attempts += 1
        if self.attempts in self._refusals:
            raise RuntimeFailure("nobody answers")


class ClusterOfLosses:
    """A cluster elsewhere that is lost as told; every call after that fails, as with a process that is gone."""

    def __init__(self, seed: int, losses: Losses) -> None:
        losses.attempt()
        self._seed, self._losses, self._open = seed, losses, True
        self.rebuild()

    machines = ("elsewhere",)

    def rebuild(self) -> None:
        self._hosts = cluster(self._seed, 3, True)

    def close(self) -> None:
        self._open = False

    def _call(self, name: str, *arguments: Any) -> Any:
        assert self._open
        self._losses.call()
        return getattr(self._hosts, name)(*arguments)

    def directory(self) -> dict[str, dict[str, tuple[int, int]]]:
        return dict(self._call("directory"))

    def connect(self, placement: Mapping[str, str], lookahead_of_host: Mapping[str, int]) -> dict[str, HostStatus]:
        return dict(self._call("connect", placement, lookahead_of_host))

    def step(self, requests: Mapping[str, WindowRequest]) -> dict[str, WindowReply]:
        return dict(self._call("step", requests))

    def accounts(self) -> dict[str, dict[str, int]]:
        return dict(self._call("accounts"))

    def snapshot(self) -> dict[str, Any]:
        return dict(self._call("snapshot"))

    def restore(self, actors: Mapping[str, Any]) -> None:
        self._call("restore", actors)


class LostRun:
    """A run of random actors on such a cluster: its rounds, what it said, and its faults."""

    def __init__(self, seed: int, losses: Losses, on_lost: OnLostCluster, wait_seconds: float | None = None) -> None:
        self.said: list[str] = []
        self.faults: list[Fault] = []
        self.cluster = ReconnectingCluster(
            lambda: ClusterOfLosses(seed, losses),
            lambda: local(seed),
            on_lost=on_lost,
            wait_seconds=wait_seconds,
            say=self.said.append,
        )

    def rounds(self) -> list[bytes]:
        simulation = SurvivingSimulation(self.cluster, self.cluster.rebuild, self.faults.append)
        found = []
        for end in simulation.rounds():
            found.append(end.digest)
            simulation.cut()
        return found


def local(seed: int) -> LocalCluster:
    found = cluster(seed, 1, True)
    assert isinstance(found, LocalCluster)
    return found


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ceas_ray.runtime.reconnecting_cluster._AGAIN_SECONDS", 0.0)


FIRST_CALL_OF_A_ROUND = 4
"""After directory, connect and a first step."""


@pytest.mark.parametrize("on_lost", ["wait", "local"])
@given(seed=st.sampled_from(LIVELY[:20]), lost=st.sets(st.integers(3, 30), min_size=1, max_size=4), hosts=st.booleans())
@settings(max_examples=40)
def test_rounds_are_the_same_and_each_comes_once(
    on_lost: OnLostCluster, seed: int, lost: set[int], hosts: bool
) -> None:
    """hosts: every other loss is one of hosts alone."""
    kinds = (ClusterLost, HostLost if hosts else ClusterLost)
    losses = Losses({call: kinds[index % 2] for index, call in enumerate(sorted(lost))})
    assert LostRun(seed, losses, on_lost).rounds() == rounds_of(seed)


def test_a_run_waits_until_its_cluster_is_back() -> None:
    losses = Losses({FIRST_CALL_OF_A_ROUND: ClusterLost}, refusals={2, 3, 4})
    run = LostRun(LIVELY[0], losses, "wait")
    assert run.rounds() == rounds_of(LIVELY[0])
    assert losses.attempts == 5
    assert run.said == ["waiting until the cluster is back (runtime.on_lost_cluster=wait): nobody answers"]
    assert [fault.cause for fault in run.faults] == [f"call {FIRST_CALL_OF_A_ROUND}"]


def test_a_cluster_that_does_not_come_back_in_time_ends_the_run() -> None:
    run = LostRun(LIVELY[0], Losses({FIRST_CALL_OF_A_ROUND: ClusterLost}, refusals={2}), "wait", wait_seconds=0)
    with pytest.raises(ClusterLost, match=f"^call {FIRST_CALL_OF_A_ROUND}: nobody answers$"):
        run.rounds()


def test_a_run_goes_on_in_its_own_process() -> None:
    run = LostRun(LIVELY[0], Losses({FIRST_CALL_OF_A_ROUND: ClusterLost}), "local")
    assert run.cluster.machines == ("elsewhere",)
    assert run.rounds() == rounds_of(LIVELY[0])
    assert run.cluster.machines == ("here",)
    assert run.said == ["going on in this process (runtime.on_lost_cluster=local)"]


def test_a_lost_cluster_ends_a_run_that_is_to_stop() -> None:
    losses = Losses({FIRST_CALL_OF_A_ROUND: ClusterLost})
    run = LostRun(LIVELY[0], losses, "stop")
    with pytest.raises(ClusterLost, match=f"^call {FIRST_CALL_OF_A_ROUND}$"):
        run.rounds()
    assert losses.attempts == 1 and run.faults == []


def test_lost_hosts_alone_are_made_anew_on_the_cluster() -> None:
    losses = Losses({FIRST_CALL_OF_A_ROUND: HostLost})
    run = LostRun(LIVELY[0], losses, "stop")
    assert run.rounds() == rounds_of(LIVELY[0])
    assert losses.attempts == 1 and len(run.faults) == 1
