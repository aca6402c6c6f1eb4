"""A simulation's cluster of Ray actors, within `ray_cluster` of this process."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ceas_ray.kernel.host import Host
from ceas_ray.runtime.packed_cluster import HostsToStart, PackedCluster, packed_hosts
from ceas_ray.runtime.platform_fingerprint import platform_fingerprint
from ceas_ray.runtime.ray_runtime.hosts import RayHosts
from ceas_ray.runtime.ray_runtime.room import Patience

_ENDLESS = Patience(None, lambda _: None)


class RayCluster(PackedCluster):
    """A `Cluster` of Ray actors, one per host; see `RayHosts`."""

    def __init__(
        self,
        hosts: Sequence[Host],
        *,
        allow_mixed_hosts: bool,
        hang_seconds: float = 8.0,
        patience: Patience = _ENDLESS,
        own_packages: Sequence[str] = (),
        shares: Mapping[str, float] | None = None,
    ) -> None:
        """shares: CPUs that each host keeps busy, at most 1; a whole one each if they are not given.

        own_packages: imported ones that machines may lack; what hosts need of them travels with the hosts.
        """
        packed = packed_hosts(hosts, own_packages)
        wanted = HostsToStart(
            packed=packed,
            shares=dict.fromkeys(packed, 1.0) if shares is None else shares,
            fingerprint=platform_fingerprint(),
            allow_mixed_hosts=allow_mixed_hosts,
            hang_seconds=hang_seconds,
            wait_seconds=patience.seconds,
        )
        super().__init__(RayHosts(wanted, patience.say))
