"""A round of the default scenario on Ray, part by part, what a snapshot costs, and memory above that of bare Ray.

usage: scripts/bench framework [key=value ...]
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

from ceas_ray.bench.processes import figures_of_module
from ceas_ray.config.composition import composed
from ceas_ray.config.schema import RunSettings
from ceas_ray.config.validation import build
from ceas_ray.kernel.windows import Simulation
from ceas_ray.runs.cluster import host_counts
from ceas_ray.runtime.available_cpus import available_cpus
from ceas_ray.tracking.snapshots import SnapshotFolder
from ceas_ray.tracking.stores import FolderStore
from ceas_ray.world.builder import build_world

if TYPE_CHECKING:
    from ceas_ray.runtime.ray_runtime import RayCluster

WARM_ROUNDS, ROUNDS, SNAPSHOTS = 3, 20, 9


def _measured_rounds(cluster: RayCluster, simulation: Simulation) -> tuple[float, float, float, float]:
    """Run the warm-up, then the rounds that count. Return their wall seconds, seconds of gradients, calls to hosts and
    windows.
    """
    gradients = calls = windows = started = 0.0
    for number, end in zip(range(WARM_ROUNDS + ROUNDS), simulation.rounds(), strict=False):
        if number + 1 == WARM_ROUNDS:
            cluster.seconds_by_host = {}
            cluster.seconds_in_calls = cluster.seconds_on_critical_path = 0.0
            started = time.perf_counter()
        elif number >= WARM_ROUNDS:
            gradients, calls, windows = gradients + end.work_seconds, calls + end.host_calls, windows + end.windows
    return time.perf_counter() - started, gradients, calls, windows


def main(overrides: Sequence[str]) -> dict[str, Any]:
    """Return the benchmark's figures. Raises SettingsError for bad overrides."""
    from ceas_ray.runtime.ray_runtime import RayCluster, ray_cluster

    settings = build(RunSettings, composed([*overrides, f"training.rounds={WARM_ROUNDS + ROUNDS + 1}"]))
    world = build_world(settings)
    with ray_cluster(None, available_cpus(), False) as machines:
        processor_hosts, link_hosts = host_counts(settings, world, machines)
        hosts = world.hosts(processor_hosts, link_hosts)
        cluster = RayCluster(hosts, allow_mixed_hosts=False)
        simulation = Simulation(cluster)
        wall, gradients, calls, windows = _measured_rounds(cluster, simulation)
        memory = _tree_megabytes()
        snapshots = _snapshots(simulation)
    parts = _parts(cluster.seconds_by_host, gradients, processor_hosts)
    parts["ray"] = cluster.seconds_in_calls - cluster.seconds_on_critical_path
    parts["driver"] = wall - cluster.seconds_in_calls
    framework = sum(seconds for name, seconds in parts.items() if name not in ("gradients", "links"))
    floor = figures_of_module("ceas_ray.bench.framework", str(len(hosts)))["megabytes"]
    per_round = {name: round(seconds / ROUNDS * 1e3, 2) for name, seconds in parts.items()}
    return {
        "processors": settings.processors.count,
        "hosts": len(hosts),
        "hosts_of_processors": processor_hosts,
        "hosts_of_links": link_hosts,
        "wall_ms_per_round": round(wall / ROUNDS * 1e3, 2),
        "parts_ms_per_round": per_round,
        "framework_ms_per_round": round(framework / ROUNDS * 1e3, 2),
        "windows_per_round": windows / ROUNDS,
        "host_calls_per_round": calls / ROUNDS,
        "tree_megabytes": memory,
        "bare_ray_megabytes": floor,
        "above_bare_ray_megabytes": memory - floor,
        **snapshots,
    }


def _snapshots(simulation: Simulation) -> dict[str, Any]:
    """Return the cost of a snapshot, with its file synced to the disk of the working folder, and of a restore."""
    saving, restoring, sizes = [], [], []
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder:
        store = FolderStore(Path(folder))
        snapshots = SnapshotFolder(store, 3)
        for number in range(SNAPSHOTS):
            started = time.perf_counter()
            snapshots.write(number, simulation.snapshot())
            saving.append((time.perf_counter() - started) * 1e3)
            newest = snapshots.newest_first()[0]
            sizes.append(len(store.read(newest)))
            started = time.perf_counter()
            simulation.restore(snapshots.read(newest))
            restoring.append((time.perf_counter() - started) * 1e3)
    return {
        "snapshot_ms": {"median": round(statistics.median(saving), 1), "worst": round(max(saving), 1)},
        "snapshot_bytes": max(sizes),
        "restore_ms": {"median": round(statistics.median(restoring), 1), "worst": round(max(restoring), 1)},
    }


def _parts(seconds: dict[str, float], gradients: float, processor_hosts: int) -> dict[str, float]:
    """Return the seconds by part. What hosts of a kind do at the same time counts once; they share gradients
    equally.
    """
    kinds = {kind: [s for name, s in seconds.items() if name.startswith(kind)] for kind in ("processors", "links")}
    processors = sum(kinds["processors"]) / processor_hosts
    return {
        "gradients": gradients / processor_hosts,
        "processors": processors - gradients / processor_hosts,
        "links": max(kinds["links"]),
        "replicas": seconds["replicas"],
        "manager_and_hub": seconds["entanglement_manager"],
    }


def _tree_megabytes() -> float:
    """Return the proportional memory of this process and its children, MB."""
    process = psutil.Process()
    sizes = [p.memory_full_info().pss for p in [process, *process.children(recursive=True)]]
    return round(sum(sizes) / 2**20, 1)


def _bare_ray(actors: int) -> dict[str, float]:
    """Return the memory that Ray takes with this many empty actors, measured in a process of its own."""
    from ceas_ray.runtime.ray_runtime import empty_actors, ray_cluster

    with ray_cluster(None, available_cpus(), False), empty_actors(actors):
        return {"megabytes": _tree_megabytes()}


if __name__ == "__main__":
    print(json.dumps(_bare_ray(int(sys.argv[1]))))
