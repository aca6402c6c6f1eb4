"""The cluster that a run's hosts live on: this process, or Ray."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from ceas_ray.config.policies import own_packages
from ceas_ray.config.schema import RunSettings
from ceas_ray.kernel.windows import Simulation
from ceas_ray.runs.forecast import round_seconds_by_kind
from ceas_ray.runtime.available_cpus import available_cpus
from ceas_ray.runtime.local_runtime import LocalCluster
from ceas_ray.runtime.placement import Machine, automatic_hosts, busy_shares
from ceas_ray.runtime.recovery import Fault, SurvivingSimulation
from ceas_ray.tracking.console import print_table
from ceas_ray.world.inputs import targets_of
from ceas_ray.world.world import World


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
def cluster_of(settings: RunSettings, world: World) -> Iterator[RunCluster]:
    """Yield the cluster that settings choose, with the world's actors on it; raises RuntimeFailure if it cannot be
    had."""
    runtime = settings.runtime
    if runtime.name == "local":
        hosts = world.one_host()
        for host in hosts:
            host.measure_work_with(time.perf_counter)
        if settings.timeline:
            hosts[0].record_events()
        yield RunCluster(LocalCluster(hosts, os.uname().nodename), 1)
        return
    from ceas_ray.runtime.ray_runtime import Patience, RayCluster, name_of_task, ray_cluster, running_here

    def say(line: str) -> None:
        if not settings.quiet:
            print(line, file=sys.stderr)

    if runtime.address is None and name_of_task() is None and (other := running_here()) is not None:
        say(f"a Ray cluster runs on this machine ({other}): runtime.address=auto uses it; this run starts its own")
    with ray_cluster(runtime.address, available_cpus(), runtime.dashboard, runtime.allow_open_cluster) as machines:
        count = runtime.processor_hosts or automatic_hosts(machines, settings.processors.count)
        hosts = world.hosts(count, runtime.link_hosts)
        if settings.timeline:
            for host in hosts:
                host.record_events()
        patience, own = Patience(runtime.wait_seconds, say), own_packages(targets_of(settings.model_dump()).values())
        shares = busy_shares(round_seconds_by_kind(settings, world.outline), [host.name for host in hosts])
        cluster = RayCluster(
            hosts,
            allow_mixed_hosts=runtime.allow_mixed_hosts,
            hang_seconds=runtime.hang_seconds,
            patience=patience,
            own_packages=own,
            shares=shares,
        )
        if not settings.quiet and runtime.address is not None:
            _print_placement(cluster.plan, runtime.hang_seconds)
        try:
            yield RunCluster(cluster, len(hosts), cluster.rebuild)
        finally:
            if name_of_task() is not None:  # else they go with the connection
                cluster.close()


def _print_placement(plan: Mapping[str, Machine], hang_seconds: float) -> None:
    on: dict[str, list[str]] = {}
    for host, machine in plan.items():
        on.setdefault(f"{machine.name} ({machine.processors:g} CPUs)", []).append(host)
    rows = {machine: ", ".join(hosts) for machine, hosts in sorted(on.items())}
    rows["a lost host or machine is noticed"] = f"within about {hang_seconds + 2:g} s, whatever the cluster's settings"
    print_table("Where the hosts run", rows)
