"""The runtime on Ray. The only module that imports it; the Ray classes are shells that decide nothing.

Call `prepare_ray_environment` before this module is imported.
"""

from __future__ import annotations

import logging
import socket
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import ray
from ray import cloudpickle
from threadpoolctl import threadpool_limits

from ceas_ray.kernel.errors import SimulationError
from ceas_ray.kernel.host import Host, HostStatus, WindowReply
from ceas_ray.kernel.windows import WindowRequest
from ceas_ray.runtime.failure import RuntimeFailure
from ceas_ray.runtime.known_answers import first_difference, known_answers

_LOCAL_OBJECT_STORE_BYTES = 100 * 2**20


class _HostShell:
    """What every Ray actor here is: one host of simulated actors. Set `num_cpus=0`: hosts share what a machine has."""

    def __init__(self, packed_host: bytes) -> None:
        """packed_host: pickled by us, because arrays that Ray itself carries arrive read-only."""
        host: Host = cloudpickle.loads(packed_host)
        self._host = host
        host.measure_work_with(time.perf_counter)
        threadpool_limits(1)

    def introduce(self) -> tuple[str, dict[str, str]]:
        """The machine's name, and its known answers (which compiles what the host will need)."""
        return socket.gethostname(), known_answers()

    def directory(self) -> dict[str, tuple[int, int]]:
        """See `Cluster`."""
        return self._host.directory()

    def connect(self, placement: Mapping[str, str], lookahead_of_host: Mapping[str, int]) -> HostStatus:
        """See `Cluster`."""
        return self._host.connect(placement, lookahead_of_host)

    def step(self, request: WindowRequest) -> tuple[WindowReply, float]:
        """One window, and the seconds that it took here."""
        started = time.perf_counter()
        reply = self._host.step(request.window, request.horizon, request.mail)
        return reply, time.perf_counter() - started

    def snapshot(self) -> dict[str, Any]:
        """See `Cluster`."""
        return self._host.snapshot()

    def restore(self, actors: Mapping[str, Any]) -> None:
        """See `Cluster`."""
        self._host.restore(actors)


class ProcessorHost(_HostShell):
    """Hosts quantum processors."""


class LinkHost(_HostShell):
    """Hosts link managers."""


class ReplicaHost(_HostShell):
    """Hosts the consensus replicas: together, so that a whole agreement is one call."""


class EntanglementManagerHost(_HostShell):
    """Hosts the entanglement manager, the hub, and the adversary that moves the Byzantine processors."""


_SHELLS: Mapping[str, type[_HostShell]] = {
    "processors": ProcessorHost,
    "links": LinkHost,
    "replicas": ReplicaHost,
    "entanglement_manager": EntanglementManagerHost,
}
"""The Ray class for each kind of host; a host's name is its kind, with /number where there are several."""


@contextmanager
def ray_cluster(address: str | None, processors: int, dashboard: bool) -> Iterator[None]:
    """Connect to the Ray cluster at `address`, or start one here; leave nothing running, whatever happens."""
    common: dict[str, Any] = {"logging_level": logging.ERROR, "log_to_driver": False, "configure_logging": False}
    if address is None:
        common |= {
            "address": "local",
            "num_cpus": processors,
            "include_dashboard": dashboard,
            "object_store_memory": _LOCAL_OBJECT_STORE_BYTES,
        }
    else:
        _require_reachable(address)
        common["address"] = address
    try:
        try:
            ray.init(**common)
        except (ConnectionError, RuntimeError, ValueError, TimeoutError) as error:
            where = "one on this machine" if address is None else f"the one at {address}"
            raise RuntimeFailure(
                f"runtime.address must be null or host:port of a cluster; {where} did not answer: {_one_line(error)}"
            ) from error
        yield
    finally:
        ray.shutdown()


class RayCluster:
    """A `Cluster` of Ray actors, one per host; one batched call to each host and window."""

    def __init__(self, hosts: Sequence[Host], allow_mixed_hosts: bool) -> None:
        """Start an actor for every host and check that all machines compute the same bits."""
        self.seconds_by_host: dict[str, float] = {}
        self.seconds_in_calls = self.seconds_on_critical_path = 0.0
        self._shells: dict[str, Any] = {}
        for host in hosts:
            shell = ray.remote(_SHELLS[host.name.partition("/")[0]])
            named = shell.options(name=host.name, num_cpus=0, max_restarts=0, scheduling_strategy="SPREAD")
            self._shells[host.name] = named.remote(cloudpickle.dumps(host))
        self.machines: tuple[str, ...] = ()
        self.mixed = self._introduce(allow_mixed_hosts)

    def directory(self) -> dict[str, dict[str, tuple[int, int]]]:
        """See `Cluster`."""
        return self._ask({name: shell.directory.remote() for name, shell in self._shells.items()})

    def connect(self, placement: Mapping[str, str], lookahead_of_host: Mapping[str, int]) -> dict[str, HostStatus]:
        """See `Cluster`."""
        return self._ask({n: shell.connect.remote(placement, lookahead_of_host) for n, shell in self._shells.items()})

    def step(self, requests: Mapping[str, WindowRequest]) -> dict[str, WindowReply]:
        """See `Cluster`."""
        started = time.perf_counter()
        replies = self._ask({name: self._shells[name].step.remote(request) for name, request in requests.items()})
        self.seconds_in_calls += time.perf_counter() - started
        self.seconds_on_critical_path += max(spent for _, spent in replies.values())
        for name, (_, spent) in replies.items():
            self.seconds_by_host[name] = self.seconds_by_host.get(name, 0.0) + spent
        return {name: reply for name, (reply, _) in replies.items()}

    def snapshot(self) -> dict[str, Any]:
        """See `Cluster`."""
        parts = self._ask({name: shell.snapshot.remote() for name, shell in self._shells.items()})
        return {actor: part for host in parts.values() for actor, part in host.items()}

    def restore(self, actors: Mapping[str, Any]) -> None:
        """See `Cluster`."""
        self._ask({name: shell.restore.remote(actors) for name, shell in self._shells.items()})

    def _introduce(self, allow_mixed_hosts: bool) -> bool:
        """Whether some host's known answers differ from this process's; raises RuntimeFailure where not allowed."""
        expected = known_answers()
        answers = self._ask({name: shell.introduce.remote() for name, shell in self._shells.items()})
        self.machines = tuple(sorted({machine for machine, _ in answers.values()}))
        for host, (machine, found) in answers.items():
            difference = first_difference(expected, found)
            if difference is not None and not allow_mixed_hosts:
                raise RuntimeFailure(
                    f"machine {machine} (host {host}) would compute other bits: {difference}; "
                    "runtime.allow_mixed_hosts=true runs it all the same and marks the run"
                )
        return any(found != expected for _, found in answers.values())

    def _ask(self, calls: Mapping[str, Any]) -> dict[str, Any]:
        try:
            return dict(zip(calls, ray.get(list(calls.values())), strict=True))
        except ray.exceptions.RayTaskError as error:
            cause = error.cause
            if isinstance(cause, SimulationError):
                raise cause from None
            raise
        except ray.exceptions.RayActorError as error:
            raise RuntimeFailure(f"a host process was lost: {_one_line(error)}") from error


@contextmanager
def empty_actors(count: int) -> Iterator[None]:
    """As many Ray actors that do nothing: the floor to compare memory with. Within `ray_cluster`."""
    shell = ray.remote(_Empty)
    actors = [shell.options(num_cpus=0).remote() for _ in range(count)]
    ray.get([actor.ready.remote() for actor in actors])
    yield


class _Empty:
    """Does nothing."""

    def ready(self) -> bool:
        """It is there."""
        return True


def _require_reachable(address: str) -> None:
    """Refuse an address at which nothing listens at once: Ray itself would try for a minute."""
    if address == "auto":
        return
    host, _, port = address.removeprefix("ray://").rpartition(":")
    try:
        socket.create_connection((host, int(port)), timeout=5).close()
    except (OSError, ValueError) as error:
        raise RuntimeFailure(
            f"runtime.address must be host:port of a reachable Ray cluster, got {address!r}: {_one_line(error)}"
        ) from error


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__
