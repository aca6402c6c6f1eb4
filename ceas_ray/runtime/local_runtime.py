"""The reference runtime: all hosts in this process."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ceas_ray.kernel.host import Host
from ceas_ray.kernel.window_reply import HostStatus, WindowReply
from ceas_ray.kernel.windows import WindowRequest


class LocalCluster:
    """A `Cluster` of hosts that are plain objects of this process (one host is one heap)."""

    def __init__(self, hosts: Sequence[Host], machine: str = "here") -> None:
        self._hosts = {host.name: host for host in hosts}
        self.machines = (machine,)

    def directory(self) -> dict[str, dict[str, tuple[int, int]]]:
        """See `Cluster`."""
        return {name: host.directory() for name, host in self._hosts.items()}

    def connect(self, placement: Mapping[str, str], lookahead_of_host: Mapping[str, int]) -> dict[str, HostStatus]:
        """See `Cluster`."""
        return {name: host.connect(placement, lookahead_of_host) for name, host in self._hosts.items()}

    def step(self, requests: Mapping[str, WindowRequest]) -> dict[str, WindowReply]:
        """See `Cluster`."""
        return {
            name: self._hosts[name].step(request.window, request.horizon, request.mail)
            for name, request in requests.items()
        }

    def accounts(self) -> dict[str, dict[str, int]]:
        """See `Cluster`."""
        return {name: totals for host in self._hosts.values() for name, totals in host.accounts().items()}

    def snapshot(self) -> dict[str, Any]:
        """See `Cluster`."""
        return {name: part for host in self._hosts.values() for name, part in host.snapshot().items()}

    def restore(self, actors: Mapping[str, Any]) -> None:
        """See `Cluster`."""
        for host in self._hosts.values():
            host.restore(actors)
