"""A simulation's cluster of Ray actors, within `ray_cluster` of this process."""

from __future__ import annotations

from collections.abc import Sequence

from ceas_ray.kernel.host import Host
from ceas_ray.runtime.packed_cluster import HostsToStart, PackedCluster, packed_hosts
from ceas_ray.runtime.platform_fingerprint import platform_fingerprint
from ceas_ray.runtime.ray_runtime.hosts import RayHosts

_HANG_SECONDS = 8.0


class RayCluster(PackedCluster):
    """A `Cluster` of Ray actors, one per host, each of which keeps one CPU busy; see `RayHosts`."""

    def __init__(self, hosts: Sequence[Host], *, allow_mixed_hosts: bool) -> None:
        """Start the actors, however long it takes until there is room for them."""
        packed = packed_hosts(hosts)
        wanted = HostsToStart(
            packed=packed,
            shares=dict.fromkeys(packed, 1.0),
            fingerprint=platform_fingerprint(),
            allow_mixed_hosts=allow_mixed_hosts,
            hang_seconds=_HANG_SECONDS,
            wait_seconds=None,
        )
        super().__init__(RayHosts(wanted, lambda _: None))
