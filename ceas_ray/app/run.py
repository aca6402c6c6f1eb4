"""One run: from settings to a run folder with its summary."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import yaml

from ceas_ray.app.committee import warning_of
from ceas_ray.app.conf_path import conf_directory
from ceas_ray.app.results import Results, key_bits_spent
from ceas_ray.app.settings import RunSettings
from ceas_ray.app.settings_checks import SettingsError, build
from ceas_ray.app.study import run_utilization, scheduler_of_study
from ceas_ray.app.world import World, build_world
from ceas_ray.kernel.errors import SimulationError
from ceas_ray.kernel.windows import Simulation
from ceas_ray.runtime.failure import RuntimeFailure
from ceas_ray.runtime.local_runtime import LocalCluster
from ceas_ray.runtime.ray_environment import prepare_ray_environment
from ceas_ray.tracking.console import RunProgress, print_table
from ceas_ray.tracking.files import Journal, write_json, write_whole

COMPLETED, FAILED, BAD_SETTINGS, STALLED, INTERRUPTED = 0, 1, 2, 3, 130
_MLFLOW_STATUS = {"completed": "FINISHED", "stalled": "FAILED", "failed": "FAILED", "interrupted": "KILLED"}


@dataclass(frozen=True)
class _Place:
    """What a cluster turned out to be."""

    cluster: Any
    hosts: int
    machines: list[str]


def execute(config: Mapping[str, Any], number: int | None) -> int:
    """Check, build and run one job (`number` in a sweep); returns the exit code.

    Raises SettingsError for bad settings, and RuntimeFailure if the cluster cannot be had.
    """
    settings = build(RunSettings, config)
    if settings.study.name is not None:
        scheduler_of_study(settings)  # refuses before anything is made
        folder = _folder(settings, number)
        _make(folder)
        run_utilization(settings, config, folder)
        print(folder / "summary.json")
        return COMPLETED
    world = build_world(settings)
    warning = warning_of(settings)
    if warning is not None:
        print(warning, file=sys.stderr)
    if settings.dry_run:
        _print_estimate(settings, world)
        return COMPLETED
    folder = _folder(settings, number)
    with _cluster(settings, world) as place:
        _make(folder)
        return _Run(settings, dict(config), world, place, folder).go()


@contextmanager
def _cluster(settings: RunSettings, world: World) -> Iterator[_Place]:
    runtime = settings.runtime
    if runtime.name == "local":
        hosts = world.one_host()
        for host in hosts:
            host.measure_work_with(time.perf_counter)
        yield _Place(LocalCluster(hosts), 1, [os.uname().nodename])
        return
    prepare_ray_environment(runtime.address)
    from ceas_ray.runtime.ray_runtime import RayCluster, ray_cluster

    with ray_cluster(runtime.address, os.cpu_count() or 1, runtime.dashboard):
        hosts = world.hosts(runtime.processor_hosts, runtime.link_hosts)
        cluster = RayCluster(hosts, runtime.allow_mixed_hosts)
        yield _Place(cluster, len(hosts), list(cluster.machines))


class _Run:
    """A run that has its cluster and its folder."""

    def __init__(
        self, settings: RunSettings, config: dict[str, Any], world: World, place: _Place, folder: Path
    ) -> None:
        self._settings, self._config, self._world = settings, config, world
        self._place, self._folder = place, folder
        self._results = Results(settings, world)
        self._started = time.perf_counter()
        self._journal = Journal(folder / "journal.jsonl")
        self._progress = RunProgress(settings.training.rounds, settings.quiet)
        self._tracker = self._make_tracker()
        self._unsent: list[tuple[int, dict[str, float]]] = []
        self._key_bits_spent = 0

    def go(self) -> int:
        """Run all rounds; whatever happens, the folder and MLflow hold what was done."""
        settings_text = yaml.safe_dump(self._config, sort_keys=True)
        write_whole(self._folder / "settings.yaml", settings_text.encode())
        commit, dirty = _git_state()
        self._about = {"git_commit": commit, "git_dirty": dirty}
        settings_hash = blake2b(settings_text.encode(), digest_size=8).hexdigest()
        self._journal.append("started", {"settings_hash": settings_hash, "seed": self._settings.seed} | self._about)
        if self._tracker is not None:
            tags = {"git_commit": str(commit), "settings_hash": settings_hash}
            self._tracker.start(self._folder.name, _flat(self._config), tags)
        status, code, cause = "completed", COMPLETED, ""
        with self._progress:
            try:
                self._rounds()
                if self._results.stalled:
                    status, code, cause = "stalled", STALLED, self._results.cause
            except KeyboardInterrupt:
                status, code = "interrupted", INTERRUPTED
            except (SimulationError, RuntimeFailure) as error:
                status, code, cause = "failed", FAILED, str(error)
        self._finish(status, cause)
        return code

    def _rounds(self) -> None:
        results = self._results
        simulation = Simulation(self._place.cluster)
        before = time.perf_counter()
        for end in simulation.rounds():
            line = results.take(end)
            now = time.perf_counter()
            line["wall_seconds"] = now - before
            before = now
            self._journal.append("round", line)
            self._unsent.append((end.mark.round_index, _metrics(line)))
            if results.stalled:
                return
            self._progress.show(results.rounds, line.get("accuracy"), line["utilization"])
            if len(self._unsent) >= 25:
                self._send()
            if self._over(now):
                break
        self._key_bits_spent = key_bits_spent(simulation.snapshot())

    def _over(self, now: float) -> bool:
        stop = self._settings.stop
        wall = stop.wall_seconds is not None and now - self._started > stop.wall_seconds
        simulated = stop.simulated_seconds is not None and self._results.simulated_seconds > stop.simulated_seconds
        return wall or simulated

    def _send(self) -> None:
        if self._tracker is not None:
            self._tracker.log_rounds(self._unsent)
        self._unsent = []

    def _make_tracker(self) -> Any:
        choice = self._settings.tracking
        if not choice.mlflow:
            return None
        from ceas_ray.tracking.mlflow_tracker import MlflowTracker

        return MlflowTracker(choice.uri, self._folder.parent, choice.experiment_name, self._progress.say)

    def _finish(self, status: str, cause: str) -> None:
        results = self._results
        content = io.BytesIO()
        np.savez(content, parameters=results.parameters)
        write_whole(self._folder / "model.npz", content.getvalue())
        self._send()
        tracker_id = None if self._tracker is None else self._tracker.run_id
        summary = results.summary(
            status,
            {
                **self._about,
                "runtime": self._settings.runtime.name,
                "machines": self._place.machines,
                "hosts": self._place.hosts,
                "key_bits": {"distilled": int(results.key_bits_distilled), "spent": self._key_bits_spent},
                "wall_seconds": time.perf_counter() - self._started,
                "logistic_regression_accuracy": self._baseline(),
                "links_profile": self._settings.links.profile,
                "links_demonstrated": self._settings.links.demonstrated,
                "cause": cause,
                "mlflow_run_id": tracker_id,
            },
        )
        write_json(self._folder / "summary.json", summary)
        self._journal.append("ended", {"status": status, "cause": cause, "trace_digest": summary["trace_digest"]})
        self._journal.close()
        if self._tracker is not None:
            files = [self._folder / name for name in ("settings.yaml", "summary.json", "model.npz")]
            self._tracker.finish(_MLFLOW_STATUS[status], {"trace_digest": summary["trace_digest"]}, files)
        if cause:
            print(f"{status}: {cause}", file=sys.stderr)
        _print_summary(summary)
        print(self._folder / "summary.json")

    def _baseline(self) -> float:
        from ceas_ray.training.datasets import logistic_regression_accuracy

        return logistic_regression_accuracy(self._world.data)


def _metrics(line: Mapping[str, Any]) -> dict[str, float]:
    return {
        name: float(value)
        for name, value in line.items()
        if isinstance(value, int | float) and not isinstance(value, bool) and name != "round"
    }


def _flat(config: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in config.items():
        if isinstance(value, Mapping):
            flat |= _flat(value, f"{prefix}{name}.")
        else:
            flat[prefix + name] = json.dumps(value) if isinstance(value, list) else value
    return flat


def _folder(settings: RunSettings, number: int | None) -> Path:
    """The run folder, not made yet; SettingsError if it cannot be."""
    if settings.output is None:
        base = Path("outputs") / f"{datetime.now():%Y-%m-%d_%H-%M-%S}_seed{settings.seed}"
    else:
        base = Path(settings.output)
    folder = (base if number is None else base.with_name(f"{base.name}_{number}")).absolute()
    parent = next(p for p in (folder, *folder.parents) if p.exists())
    if not parent.is_dir() or not os.access(parent, os.W_OK):
        raise SettingsError("output", f"a folder that can be made ({parent} is not a writable folder)", str(folder))
    if (folder / "journal.jsonl").exists():
        raise SettingsError("output", "a folder without a run in it", str(folder))
    return folder


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SettingsError("output", f"a folder that can be made ({error.strerror})", str(folder)) from None


def _git_state() -> tuple[str | None, bool | None]:
    """The commit that the code is from, and whether it was changed since; None outside of a checkout."""
    try:
        return _git("rev-parse", "HEAD"), bool(_git("status", "--porcelain", "--untracked-files=no"))
    except (OSError, subprocess.SubprocessError):
        return None, None


def _git(*words: str) -> str:
    command = ["git", "-C", str(conf_directory().parent), *words]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=10).stdout.strip()


def _print_estimate(settings: RunSettings, world: World) -> None:
    estimate, rounds = world.manager.estimate(), settings.training.rounds
    lanes = sum(len(p.angles) for p in world.shards) * world.circuit.outputs
    wall = rounds * lanes * 4.0**world.circuit.qubits * world.circuit.layers * world.circuit.qubits * 1e-8
    print_table(
        "A run of these settings (estimate; nothing was started)",
        {
            "links": f"{settings.links.profile} ({'demonstrated' if settings.links.demonstrated else 'projected'})",
            "Bell pairs used per round": round(estimate.pairs),
            "key bits distilled per round": round(estimate.key_bits),
            "simulated seconds, warm-up": estimate.warm_up_seconds,
            "simulated seconds per round": estimate.simulated_seconds,
            "simulated seconds in all": estimate.warm_up_seconds + rounds * estimate.simulated_seconds,
            "wall seconds (order of magnitude)": 10 + wall + 0.15 * rounds,
            "memory of this process, MB": round(psutil.Process().memory_info().rss / 2**20),
        },
    )


def _print_summary(summary: Mapping[str, Any]) -> None:
    pairs = summary["bell_pairs"]
    print_table(
        f"{summary['status']} after {summary['rounds']} rounds",
        {
            "test accuracy": summary["test_accuracy"],
            "chance accuracy": summary["chance_accuracy"],
            "logistic regression": summary["logistic_regression_accuracy"],
            "Bell pairs generated": pairs["generated"],
            "used: training, keys, tests": " + ".join(str(n) for n in pairs["used"].values()),
            "utilization (net, training)": f"{summary['bell_pair_utilization']:.3f} "
            f"({summary['bell_pair_utilization_net']:.3f}, {summary['bell_pair_utilization_training']:.3f})",
            "shots on time": summary["demand_on_time"],
            "mean contrast at use": summary["mean_contrast"],
            "simulated seconds": summary["simulated_seconds"],
            "decisions, view changes": f"{summary['decisions']}, {summary['view_changes']}",
            "key bits distilled, spent": f"{summary['key_bits']['distilled']}, {summary['key_bits']['spent']}",
            "links": f"{summary['links_profile']}",
            "runtime, hosts, windows": f"{summary['runtime']}, {summary['hosts']}, {summary['windows']}",
            "wall seconds": summary["wall_seconds"],
            "digest": summary["trace_digest"],
        },
    )
