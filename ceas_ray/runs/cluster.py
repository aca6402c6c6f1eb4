"""The cluster that a run's hosts live on: this process, or Ray."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

from ceas_ray.config.policies import own_packages
from ceas_ray.config.schema import RunSettings, RuntimeSettings
from ceas_ray.kernel.host import Host
from ceas_ray.kernel.windows import Simulation
from ceas_ray.runs.forecast import round_seconds_by_kind
from ceas_ray.runtime.available_cpus import available_cpus
from ceas_ray.runtime.local_runtime import LocalCluster
from ceas_ray.runtime.packed_cluster import HostsToStart, PackedCluster, packed_hosts
from ceas_ray.runtime.placement import Machine, automatic_hosts, automatic_link_hosts, busy_shares
from ceas_ray.runtime.platform_fingerprint import platform_fingerprint
from ceas_ray.runtime.ray_greeting import running_here
from ceas_ray.runtime.ray_process import ClusterAccess, RayProcess
from ceas_ray.runtime.reconnecting_cluster import ReconnectingCluster
from ceas_ray.runtime.recovery import Fault, SurvivingSimulation
from ceas_ray.tracking.console import print_table
from ceas_ray.tracking.start_line import START_LINE, STARTING_RAY
from ceas_ray.world.inputs import targets_of
from ceas_ray.world.world import World

_CONTROL_HOSTS = 2
"""The host of the replicas, and that of the entanglement manager with the hub."""


@dataclass(frozen=True)
class RunCluster:
    """The cluster of a run. rebuild: makes its hosts anew; None where they cannot be lost."""

    cluster: Any
    hosts: int
    rebuild: Callable[[], None] | None = None

    @property
    def machines(self) -> list[str]:
        """Names of the machines that it has."""
        return list(self.cluster.machines)

    def simulation(
        self, on_fault: Callable[[Fault], None], after_window: Callable[[Simulation], None] = lambda _: None
    ) -> SurvivingSimulation:
        """Return a simulation on it that calls `on_fault` for every fault it survives; after_window: see there."""
        return SurvivingSimulation(self.cluster, self.rebuild, on_fault, after_window)


@contextmanager
def connecting(settings: RunSettings) -> Iterator[RayProcess | None]:
    """Yield the process that speaks with Ray for a run, which connects while its world is built; None for a run that
    needs none."""
    if settings.runtime.name == "local" or _is_job_of_sweep():
        yield None
        return
    process = _ray_process(settings)
    try:
        yield process
    finally:
        process.end()


@contextmanager
def cluster_of(settings: RunSettings, world: World, process: RayProcess | None = None) -> Iterator[RunCluster]:
    """Yield the cluster that settings choose, with the world's actors on it; raises RuntimeFailure if it cannot be
    had. process: one that is connecting to it; see `connecting`."""
    runtime = settings.runtime
    if runtime.name == "local":
        yield RunCluster(_local_cluster(settings, world), 1)
        return
    if _is_job_of_sweep():
        with _within_job(settings, world) as of_job:
            yield of_job
        return
    if runtime.address is None and (other := running_here()) is not None:
        line = f"a Ray cluster runs on this machine ({other}): runtime.address=auto uses it; this run starts its own"
        _say(settings, line)
    clusters = _RayClusters(settings, world, process)
    try:
        cluster = ReconnectingCluster(
            clusters.connected,
            partial(_local_cluster, settings, world),
            on_lost=runtime.on_lost_cluster,
            wait_seconds=runtime.wait_seconds if runtime.address is not None else 0,
            say=partial(_say, settings),
        )
        yield RunCluster(cluster, clusters.hosts, cluster.rebuild)
    finally:
        clusters.end()


def _ray_process(settings: RunSettings) -> RayProcess:
    runtime = settings.runtime
    return RayProcess(access_of(runtime), runtime.hang_seconds, partial(_say, settings))


def access_of(runtime: RuntimeSettings) -> ClusterAccess:
    """Return how to get to the cluster that settings choose."""
    return ClusterAccess(runtime.address, available_cpus(), runtime.dashboard, runtime.allow_open_cluster)


def _say(settings: RunSettings, line: str) -> None:
    if not settings.quiet:
        print(line, file=sys.stderr)


def _local_cluster(settings: RunSettings, world: World) -> LocalCluster:
    hosts = world.one_host()
    for host in hosts:
        host.measure_work_with(time.perf_counter)
    if settings.timeline:
        hosts[0].record_events()
    return LocalCluster(hosts, os.uname().nodename)


def host_counts(settings: RunSettings, world: World, machines: Sequence[Machine]) -> tuple[int, int]:
    """Return how many hosts of processors and of links a run has on these machines, chosen where settings leave it."""
    runtime = settings.runtime
    of_processors = runtime.processor_hosts or automatic_hosts(machines, settings.processors.count)
    if runtime.link_hosts is not None:
        return of_processors, runtime.link_hosts
    seconds, others = round_seconds_by_kind(settings, world.outline), of_processors + _CONTROL_HOSTS
    return of_processors, automatic_link_hosts(machines, seconds["links"], others)


def _hosts_of(settings: RunSettings, world: World, machines: Sequence[Machine]) -> list[Host]:
    hosts = world.hosts(*host_counts(settings, world, machines))
    if settings.timeline:
        for host in hosts:
            host.record_events()
    return hosts


class _RayClusters:
    """Connects to the cluster that settings choose, as often as it is lost; the same hosts are started each time."""

    def __init__(self, settings: RunSettings, world: World, connecting: RayProcess | None) -> None:
        """connecting: a process for the first time."""
        self._settings, self._world, self._first = settings, world, connecting
        self._process: RayProcess | None = None
        self._wanted: HostsToStart | None = None
        self.hosts = 0

    def connected(self) -> PackedCluster:
        """Return the cluster, its hosts started; raises RuntimeFailure if it cannot be had, or lacks room."""
        self.end()
        runtime = self._settings.runtime
        self._process, self._first = self._first or _ray_process(self._settings), None
        START_LINE.show(STARTING_RAY)
        if self._wanted is None:
            self._wanted = _hosts_to_start(self._settings, self._world, self._process.opened.machines)
            self.hosts = len(self._wanted.packed)
        START_LINE.show(STARTING_RAY)
        self._process.start(self._wanted)
        cluster = PackedCluster(self._process)
        if not self._settings.quiet and runtime.address is not None:
            _print_placement(cluster.plan, runtime.hang_seconds)
        return cluster

    def end(self) -> None:
        """Disconnect; a cluster that was started here ends with that."""
        if self._process is not None:
            process, self._process = self._process, None
            process.end()


def _hosts_to_start(settings: RunSettings, world: World, machines: Sequence[Machine]) -> HostsToStart:
    runtime = settings.runtime
    hosts = _hosts_of(settings, world, machines)
    names = [host.name for host in hosts]
    return HostsToStart(
        packed=packed_hosts(hosts, own_packages(targets_of(settings.model_dump()).values())),
        shares=busy_shares(round_seconds_by_kind(settings, world.outline), names),
        fingerprint=platform_fingerprint(),
        allow_mixed_hosts=runtime.allow_mixed_hosts,
        hang_seconds=runtime.hang_seconds,
        wait_seconds=runtime.wait_seconds,
    )


def _is_job_of_sweep() -> bool:
    """Return whether this process is a worker of Ray that runs a job of a sweep; it has imported Ray then."""
    if "ray" not in sys.modules:
        return False
    from ceas_ray.runtime.ray_runtime import name_of_task

    return name_of_task() is not None


@contextmanager
def _within_job(settings: RunSettings, world: World) -> Iterator[RunCluster]:
    """Yield hosts on the cluster that this process, a worker, belongs to: lost with it, it could do nothing more."""
    from ceas_ray.runtime.ray_runtime import RayHosts, ray_cluster

    runtime = settings.runtime
    with ray_cluster(runtime.address, available_cpus(), runtime.dashboard, runtime.allow_open_cluster) as machines:
        wanted = _hosts_to_start(settings, world, machines)
        cluster = PackedCluster(RayHosts(wanted, partial(_say, settings)))
        try:
            yield RunCluster(cluster, len(wanted.packed), cluster.rebuild)
        finally:
            cluster.close()


def _print_placement(plan: Mapping[str, Machine], hang_seconds: float) -> None:
    on: dict[str, list[str]] = {}
    for host, machine in plan.items():
        on.setdefault(f"{machine.name} ({machine.processors:g} CPUs)", []).append(host)
    rows = {machine: ", ".join(hosts) for machine, hosts in sorted(on.items())}
    rows["a lost host or machine is noticed"] = f"within about {hang_seconds + 2:g} s, whatever the cluster's settings"
    print_table("Where the hosts run", rows)
