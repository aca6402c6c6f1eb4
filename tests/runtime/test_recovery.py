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
from ceas_ray.runtime.placement import HOST_BYTES, LIGHT_CPUS, Machine, automatic_hosts, busy_shares, requests_of
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


def machine(name: str, processors: float, hosts: int = 100) -> Machine:
    return Machine(f"id of {name}", name, processors, hosts * HOST_BYTES)


@given(
    sizes=st.lists(st.tuples(st.integers(1, 64), st.integers(1, 50)), min_size=1, max_size=8),
    hosts=st.integers(1, 60),
    data=st.data(),
)  # fmt: skip
def test_requests_fit_on_the_cluster_wherever_each_of_them_goes(
    sizes: list[tuple[int, int]], hosts: int, data: st.DataObject
) -> None:
    machines = [machine(f"m{number}", cpus, room) for number, (cpus, room) in enumerate(sizes)]
    drawn = data.draw(st.lists(st.sampled_from((1.0, 0.9, 0.3, 0.05)), min_size=hosts, max_size=hosts))
    shares = {f"processors/{number}": share for number, share in enumerate(drawn)}
    if hosts > sum(room for _, room in sizes):
        with pytest.raises(RuntimeFailure, match=f"got {hosts} hosts"):
            requests_of(shares, machines)
        return
    requests = requests_of(shares, machines)
    assert requests == requests_of(shares, machines[::-1]), "the order in which machines are listed does not matter"
    free = [(m.processors, m.memory_bytes) for m in machines]
    for name in data.draw(st.permutations(list(shares))):
        cpus, memory = requests[name].cpus, requests[name].memory_bytes
        assert 0 < cpus <= shares[name]
        roomy = [k for k, (of_cpu, of_memory) in enumerate(free) if of_cpu >= cpus - 1e-9 and of_memory >= memory]
        assert roomy, "a request that no machine has room for"
        k = data.draw(st.sampled_from(roomy))
        free[k] = free[k][0] - cpus, free[k][1] - memory


HOSTS = ["processors/0", "processors/1", "links/0", "replicas", "entanglement_manager"]
SECONDS = {"processors": 2.0, "links": 0.5, "replicas": 0.5, "entanglement_manager": 0.0}


def test_hosts_ask_for_what_they_keep_busy_and_for_less_on_fewer_machines() -> None:
    shares = busy_shares(SECONDS, HOSTS)
    assert list(shares.values()) == [1.0, 1.0, 0.25, 0.25, LIGHT_CPUS]
    whole = requests_of(shares, [machine("a", 4), machine("b", 4)])
    assert [request.cpus for request in whole.values()] == list(shares.values())
    left = requests_of(shares, [machine("a", 2)])
    assert sum(request.cpus for request in left.values()) == pytest.approx(2.0, abs=1e-3)
    assert left["links/0"].cpus == pytest.approx(0.25 * left["processors/0"].cpus, abs=1e-4)


@given(
    seconds=st.fixed_dictionaries(dict.fromkeys(SECONDS, st.floats(0.0, 1e3))),
    counts=st.tuples(st.integers(1, 9), st.integers(1, 9)),
)
def test_hosts_that_wait_for_each_other_ask_for_little_more_than_one_cpu_and_that_of_each_host_of_processors(
    seconds: dict[str, float], counts: tuple[int, int]
) -> None:
    names = [f"processors/{k}" for k in range(counts[0])] + [f"links/{k}" for k in range(counts[1])]
    shares = busy_shares(seconds, [*names, "replicas", "entanglement_manager"])
    assert all(LIGHT_CPUS <= share <= 1.0 for share in shares.values())
    assert all(shares[name] == 1.0 for name in names[: counts[0]])
    assert sum(shares.values()) <= counts[0] + counts[1] * max(shares["links/0"], LIGHT_CPUS) + 1 + 2 * LIGHT_CPUS


def test_a_head_node_without_cpus_gets_no_host() -> None:
    machines = [machine("head", 0), machine("m2", 2), machine("m3", 4)]
    assert automatic_hosts(machines, 50) == 6
    assert automatic_hosts(machines, 4) == 4
    assert automatic_hosts([machine("m", 500)], 2000) == 32
    assert requests_of({"processors/0": 1.0}, machines)["processors/0"].cpus == 1.0
    assert requests_of({"processors/0": 1.0}, machines[:1])["processors/0"].cpus == 0.0
    with pytest.raises(RuntimeFailure, match="a living machine"):
        requests_of({"processors/0": 1.0}, [])


def test_a_local_cluster_needs_no_rebuilding() -> None:
    local = cluster(LIVELY[0], 3, True)
    assert isinstance(local, LocalCluster)
    assert [end.digest for end in SurvivingSimulation(local).rounds()] == rounds_of(LIVELY[0])
