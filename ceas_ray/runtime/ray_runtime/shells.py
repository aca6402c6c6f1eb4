"""The Ray actors: shells that hold one host of simulated actors each, and decide nothing."""

from __future__ import annotations

import gc
import socket
import time
from collections.abc import Mapping

import cloudpickle
import ray
from threadpoolctl import threadpool_limits

from ceas_ray.kernel.host import Host
from ceas_ray.kernel.window_reply import HostStatus
from ceas_ray.kernel.windows import WindowRequest
from ceas_ray.runtime.packed_cluster import PackedReply
from ceas_ray.runtime.platform_fingerprint import platform_fingerprint

WATCH = "watch"
"""The concurrency group whose thread answers while the host computes."""


class HostShell:
    """A Ray actor: one host of simulated actors."""

    def __init__(self, packed_host: bytes) -> None:
        """packed_host: pickled by us, because arrays that Ray itself carries arrive read-only."""
        host: Host = cloudpickle.loads(packed_host)
        self._host = host
        host.measure_work_with(time.perf_counter)
        threadpool_limits(1)
        gc.collect()
        gc.freeze()  # garbage collection need not look through what lives as long as this process

    @ray.method(concurrency_group=WATCH)
    def progress(self) -> int:
        """Return the number of envelopes handled plus blocks of work done. A thread of its own answers."""
        return self._host.progress

    def introduce(self) -> tuple[str, dict[str, str]]:
        """Return the machine's name, and its fingerprint (which compiles what the host will need)."""
        return socket.gethostname(), platform_fingerprint()

    def directory(self) -> dict[str, tuple[int, int]]:
        """See `Cluster`."""
        return self._host.directory()

    def connect(self, placement: Mapping[str, str], lookahead_of_host: Mapping[str, int]) -> HostStatus:
        """See `Cluster`."""
        return self._host.connect(placement, lookahead_of_host)

    def step(self, request: WindowRequest) -> PackedReply:
        """Run one window; return its reply."""
        started = time.perf_counter()
        reply = self._host.step(request.window, request.horizon, request.mail)
        seconds = time.perf_counter() - started
        return PackedReply(cloudpickle.dumps(reply), seconds, reply.mark is not None)

    def accounts(self) -> dict[str, dict[str, int]]:
        """See `Cluster`."""
        return self._host.accounts()

    def snapshot(self) -> bytes:
        """See `Cluster`; packed."""
        return bytes(cloudpickle.dumps(self._host.snapshot()))

    def restore(self, packed_actors: bytes) -> None:
        """See `Cluster`."""
        self._host.restore(cloudpickle.loads(packed_actors))


class ProcessorHost(HostShell):
    """Hosts quantum processors."""


class LinkHost(HostShell):
    """Hosts link managers."""


class ReplicaHost(HostShell):
    """Hosts the consensus replicas: together, so that a whole agreement is one call."""


class EntanglementManagerHost(HostShell):
    """Hosts the entanglement manager, the hub, and the adversary that moves the Byzantine processors."""


SHELLS: Mapping[str, type[HostShell]] = {
    "processors": ProcessorHost,
    "links": LinkHost,
    "replicas": ReplicaHost,
    "entanglement_manager": EntanglementManagerHost,
}
"""The Ray class for each kind of host; a host's name is its kind, with /number where there are several."""
