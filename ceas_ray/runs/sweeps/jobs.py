"""The jobs of a sweep: what they share, what each has for itself, and what one of them asks of a cluster."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

from ceas_ray.config.schema import RunSettings
from ceas_ray.config.validation import build
from ceas_ray.runs.forecast import forecast
from ceas_ray.runs.limits import Pruning
from ceas_ray.runs.run_warnings import warnings_of
from ceas_ray.runs.sweeps.processes import names_hosts
from ceas_ray.runs.tracking_choice import default_store
from ceas_ray.runtime.placement import HOST_BYTES, Machine, Request, usable
from ceas_ray.tracking.tracking_uri import DATABASE
from ceas_ray.world.builder import outline_world
from ceas_ray.world.inputs import RunInputs, with_inputs

_LONG_SECONDS = 1800.0
"""A run that computes longer has hosts of its own where a cluster has CPUs that no other job of the sweep takes."""


@dataclass(frozen=True)
class SweepJob:
    """A run of a sweep, checked. config: as `settings.yaml` will have it, with the hashes of its inputs.

    differs: the overrides by which it differs from other jobs. wants_hosts: whether the command line says how it is to
    be run. seconds, memory_bytes: a forecast of what it computes in one process. warnings: see `warnings_of`. pruning:
    when a search ends it.
    """

    number: int
    config: Mapping[str, Any]
    settings: RunSettings
    inputs: RunInputs
    differs: Mapping[str, str]
    wants_hosts: bool
    seconds: float
    memory_bytes: float
    warnings: tuple[str, ...] = ()
    pruning: Pruning | None = None

    @property
    def folder(self) -> Path:
        """The run folder, on the machine of the command."""
        return Path(str(self.settings.output))

    def within(self, folder: Path, other: Path) -> SweepJob:
        """Return the same job of the sweep in `other`, where it has the place that it has in `folder`."""
        return self._with({"output": str(other / self.folder.relative_to(folder))})

    def as_other(self, number: int, folder: Path, differs: Mapping[str, str]) -> SweepJob:
        """Return a job that is only shown: another one of the same sweep, with other values of these settings."""
        return replace(self._with({"output": str(folder)}), number=number, differs=differs)

    def in_one_process(self) -> SweepJob:
        """Return the same job with the local runtime."""
        local = {"name": "local", "processor_hosts": 1, "link_hosts": 1}
        return self._with({"runtime": {**self.config["runtime"], **local}})

    def _with(self, changed: Mapping[str, Any]) -> SweepJob:
        config = {**self.config, **changed}
        return replace(self, config=config, settings=build(RunSettings, config))

    def has_own_hosts(self, machines: Sequence[Machine], jobs: int) -> bool:
        """Return whether it runs on hosts of its own, and not in one process: what is asked for, does not fit, or is
        long.
        """
        if self.settings.runtime.name == "local" or self.wants_hosts:
            return self.settings.runtime.name == "ray"
        offered = usable(machines)
        if self.memory_bytes > max(machine.memory_bytes for machine in offered):
            return True
        return self.seconds > _LONG_SECONDS and jobs < sum(machine.processors for machine in offered)

    def request(self, machines: Sequence[Machine]) -> Request:
        """Return what it asks the cluster for: a CPU and its memory, or what conducting hosts of its own takes."""
        if self.settings.runtime.name == "ray":
            return Request(0.0, HOST_BYTES)
        cpus, memory = (max(column) for column in zip(*((m.processors, m.memory_bytes) for m in machines), strict=True))
        return Request(min(1.0, cpus), int(min(self.memory_bytes, memory)))


class UncheckedJob(NamedTuple):
    """What `sweep_job` takes."""

    config: Mapping[str, Any]
    number: int
    overrides: Sequence[str]
    differs: Mapping[str, str]


def sweep_job(config: Mapping[str, Any], number: int, overrides: Sequence[str], differs: Mapping[str, str]) -> SweepJob:
    """Return the job of this configuration; raises SettingsError for all that a run refuses."""
    settings = build(RunSettings, config)
    outline = outline_world(settings)
    config, found = with_inputs(config, outline.inputs), forecast(settings, outline)
    return SweepJob(
        number,
        config,
        settings,
        outline.inputs,
        differs,
        wants_hosts=names_hosts(overrides),
        seconds=found.wall_seconds,
        memory_bytes=found.memory_bytes,
        warnings=warnings_of(settings),
    )


def as_job_of_sweep(config: Mapping[str, Any], number: int, folder: Path) -> dict[str, Any]:
    """Return the configuration of job `number` of the sweep in `folder`.

    Each job has a snapshot folder of its own; all of them, and other runs beside the sweep, have one MLflow database.
    """
    runtime, tracking = config["runtime"], config["tracking"]
    if isinstance(runtime["snapshot_folder"], str):
        runtime = runtime | {"snapshot_folder": f"{runtime['snapshot_folder'].rstrip('/')}_{number}"}
    if tracking["uri"] is None:
        from ceas_ray.tracking.database_uri import sqlite_uri  # here, because SQLAlchemy takes long to import

        tracking = tracking | {"uri": sqlite_uri(default_store() / DATABASE)}
    return dict(config) | {"runtime": runtime, "tracking": tracking}


def differences(overrides: Sequence[Sequence[str]]) -> list[dict[str, str]]:
    """Return, for each job, those of its overrides that not all jobs have."""
    shared = set.intersection(*(set(words) for words in overrides)) if overrides else set()
    return [dict(_pair(word) for word in words if word not in shared) for words in overrides]


def _pair(word: str) -> tuple[str, str]:
    key, _, value = word.partition("=")
    return key.lstrip("+"), value
