"""Hosts that travel as bytes simulate what they simulate in one process."""

from __future__ import annotations

import pickle
from collections.abc import Mapping

import cloudpickle

from ceas_ray.kernel.host import Host
from ceas_ray.kernel.window_reply import HostStatus
from ceas_ray.kernel.windows import Cluster, Simulation, WindowRequest
from ceas_ray.runtime.local_runtime import LocalCluster
from ceas_ray.runtime.packed_cluster import PackedCluster, PackedReply, Placement, packed_hosts
from tests.kernel.random_actors import cluster as random_cluster

LIVELY = 5
"""The seed of a world of random actors that marks more rounds than one."""


class UnpackedHosts:
    """`PackedHosts` in this process: each window takes one second."""

    placement = Placement({}, ("far",), mixed=True)

    def __init__(self, packed: Mapping[str, bytes]) -> None:
        self._packed = packed
        self.rebuild()

    def rebuild(self) -> None:
        hosts: list[Host] = [pickle.loads(content) for content in self._packed.values()]
        self._hosts = LocalCluster(hosts)

    def directory(self) -> dict[str, dict[str, tuple[int, int]]]:
        return self._hosts.directory()

    def connect(self, placement: Mapping[str, str], lookahead_of_host: Mapping[str, int]) -> dict[str, HostStatus]:
        return self._hosts.connect(placement, lookahead_of_host)

    def step(self, requests: Mapping[str, WindowRequest]) -> dict[str, PackedReply]:
        replies = self._hosts.step(requests)
        return {name: PackedReply(cloudpickle.dumps(reply), 1.0, False) for name, reply in replies.items()}

    def accounts(self) -> dict[str, dict[str, int]]:
        return self._hosts.accounts()

    def snapshot(self) -> list[bytes]:
        return [cloudpickle.dumps({name: part}) for name, part in self._hosts.snapshot().items()]

    def restore(self, packed_actors: bytes) -> None:
        self._hosts.restore(pickle.loads(packed_actors))

    def close(self) -> None:
        self._packed = {}


def hosts() -> list[Host]:
    return list(random_cluster(LIVELY, 3, True)._hosts.values())


def digests(cluster: Cluster) -> list[bytes]:
    return [end.digest for end in Simulation(cluster).rounds()]


def test_packed_hosts_give_the_digests_of_hosts_in_one_process_and_again_once_they_are_rebuilt() -> None:
    expected = digests(LocalCluster(hosts()))
    cluster = PackedCluster(UnpackedHosts(packed_hosts(hosts())))
    assert len(expected) > 1
    assert digests(cluster) == expected
    cluster.rebuild()
    assert digests(cluster) == expected


def test_a_snapshot_travels_both_ways() -> None:
    cluster = PackedCluster(UnpackedHosts(packed_hosts(hosts())))
    simulation = Simulation(cluster)
    rounds = simulation.rounds()
    next(rounds)
    cut = simulation.snapshot()
    rest = [end.digest for end in rounds]
    cluster.rebuild()
    again = Simulation(cluster)
    again.restore(cut)
    assert [end.digest for end in again.rounds()] == rest


def test_the_seconds_of_windows_are_counted_by_host_and_along_the_longest_of_each_window() -> None:
    cluster = PackedCluster(UnpackedHosts(packed_hosts(hosts())))
    end = next(Simulation(cluster).rounds())
    assert sum(cluster.seconds_by_host.values()) == end.host_calls
    assert cluster.seconds_on_critical_path == end.windows
    assert (cluster.machines, cluster.mixed) == (("far",), True)
