"""A cluster of hosts in other processes: what goes there and comes back travels as bytes."""

from __future__ import annotations

import pickle
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import cloudpickle

from ceas_ray.kernel.host import Host
from ceas_ray.kernel.window_reply import HostStatus, WindowReply
from ceas_ray.kernel.windows import WindowRequest
from ceas_ray.runtime.placement import Machine


class PackedReply(NamedTuple):
    """A host's reply to a window: packed, the seconds that the window took there, whether it ended a round."""

    content: bytes
    seconds: float
    ends_round: bool


@dataclass(frozen=True, kw_only=True)
class HostsToStart:
    """Packed hosts, and how they are started and watched.

    shares: CPUs that each host keeps busy, at most 1. fingerprint: that of the machine that drives them. wait_seconds:
    longest wait for room; None: no limit.
    """

    packed: Mapping[str, bytes]
    shares: Mapping[str, float]
    fingerprint: Mapping[str, str]
    allow_mixed_hosts: bool
    hang_seconds: float
    wait_seconds: float | None


@dataclass(frozen=True)
class Placement:
    """Where hosts run. plan: the machine of each host. machines: names of all machines. mixed: whether some compute
    other bits than the machine that drives them.
    """

    plan: Mapping[str, Machine]
    machines: tuple[str, ...]
    mixed: bool


class PackedHosts(Protocol):
    """Hosts that run elsewhere; see `Cluster` for what the methods do."""

    @property
    def placement(self) -> Placement:
        """Where they run now."""

    def directory(self) -> dict[str, dict[str, tuple[int, int]]]:
        """See `Cluster`."""

    def connect(self, placement: Mapping[str, str], lookahead_of_host: Mapping[str, int]) -> dict[str, HostStatus]:
        """See `Cluster`."""

    def step(self, requests: Mapping[str, WindowRequest]) -> dict[str, PackedReply]:
        """See `Cluster`."""

    def accounts(self) -> dict[str, dict[str, int]]:
        """See `Cluster`."""

    def snapshot(self) -> list[bytes]:
        """See `Cluster`; what each host gives, packed."""

    def restore(self, packed_actors: bytes) -> None:
        """See `Cluster`."""

    def rebuild(self) -> None:
        """Make all hosts anew, in the state in which they were given."""

    def close(self) -> None:
        """End all hosts."""


class PackedCluster:
    """A `Cluster` of `PackedHosts`, which adds up the seconds of its windows."""

    def __init__(self, hosts: PackedHosts) -> None:
        self._hosts = hosts
        self.seconds_by_host: dict[str, float] = {}
        self.seconds_in_calls = self.seconds_on_critical_path = 0.0

    @property
    def plan(self) -> Mapping[str, Machine]:
        """The machine of each host."""
        return self._hosts.placement.plan

    @property
    def machines(self) -> tuple[str, ...]:
        """Names of the machines that hosts run on."""
        return self._hosts.placement.machines

    @property
    def mixed(self) -> bool:
        """Whether some host ran on a machine that computes other bits than this one."""
        return self._hosts.placement.mixed

    def directory(self) -> dict[str, dict[str, tuple[int, int]]]:
        """See `Cluster`."""
        return self._hosts.directory()

    def connect(self, placement: Mapping[str, str], lookahead_of_host: Mapping[str, int]) -> dict[str, HostStatus]:
        """See `Cluster`."""
        return self._hosts.connect(placement, lookahead_of_host)

    def step(self, requests: Mapping[str, WindowRequest]) -> dict[str, WindowReply]:
        """See `Cluster`."""
        started = time.perf_counter()
        replies = self._hosts.step(requests)
        self.seconds_in_calls += time.perf_counter() - started
        self.seconds_on_critical_path += max(reply.seconds for reply in replies.values())
        for name, reply in replies.items():
            self.seconds_by_host[name] = self.seconds_by_host.get(name, 0.0) + reply.seconds
        return {name: pickle.loads(reply.content) for name, reply in replies.items()}

    def accounts(self) -> dict[str, dict[str, int]]:
        """See `Cluster`."""
        return self._hosts.accounts()

    def snapshot(self) -> dict[str, Any]:
        """See `Cluster`."""
        return {actor: part for packed in self._hosts.snapshot() for actor, part in pickle.loads(packed).items()}

    def restore(self, actors: Mapping[str, Any]) -> None:
        """See `Cluster`."""
        self._hosts.restore(cloudpickle.dumps(dict(actors)))

    def rebuild(self) -> None:
        """See `PackedHosts`."""
        self._hosts.rebuild()

    def close(self) -> None:
        """End all hosts."""
        self._hosts.close()


def packed_hosts(hosts: Sequence[Host], own_packages: Sequence[str] = ()) -> dict[str, bytes]:
    """Return the hosts as bytes, by name.

    own_packages: imported packages that other machines may lack; their code travels in place of their names.
    """
    own = [sys.modules[package] for package in own_packages]
    for package in own:
        cloudpickle.register_pickle_by_value(package)
    try:
        return {host.name: cloudpickle.dumps(host) for host in hosts}
    finally:
        for package in own:
            cloudpickle.unregister_pickle_by_value(package)
