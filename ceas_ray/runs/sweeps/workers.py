"""What runs the jobs of a sweep: a Ray cluster, warm processes of this machine, or this process itself."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

from ceas_ray.config.errors import SettingsError
from ceas_ray.config.policies import own_packages
from ceas_ray.config.schema import RunSettings
from ceas_ray.config.validation import build
from ceas_ray.runs.cluster import access_of
from ceas_ray.runs.provenance import code_version
from ceas_ray.runs.sweeps.jobs import SweepJob, UncheckedJob, sweep_job
from ceas_ray.runs.sweeps.processes import names_hosts, start_processes
from ceas_ray.runs.sweeps.work import run_job, warm_up
from ceas_ray.runtime.local_tasks import LocalTasks
from ceas_ray.runtime.placement import Machine, Request
from ceas_ray.runtime.ray_process import RayProcess
from ceas_ray.runtime.ray_tasks import RayTasks, ray_process
from ceas_ray.runtime.warm_processes import ProcessTasks, WarmProcesses, ended
from ceas_ray.world.inputs import targets_of

_FEW_JOBS = 4
"""Fewer are checked sooner in the process of the command."""
_LOOK_SECONDS = 1.0


@dataclass(frozen=True)
class Workers:
    """What runs jobs. machines: where; none where it is this process. tasks: `LocalTasks`, `ProcessTasks` or
    `RayTasks`. travels: whether jobs take along what they need of this machine.
    """

    machines: Sequence[Machine]
    tasks: Any
    travels: bool


Ready = Callable[[Sequence[SweepJob], int | None], Workers]
"""Function that returns what runs these jobs, of which so many run at once (None: as many as there are)."""


@contextmanager
def getting_ready(
    configs: Sequence[Mapping[str, Any]],
    jobs: int,
    overrides: Sequence[str],
    processes: WarmProcesses | None = None,
) -> Iterator[Ready]:
    """Get ready to run the jobs of a sweep, while these are checked: connect to Ray, or start processes here, and let
    them import what jobs take.

    Ray is needed where the settings or the command line name a cluster or hosts, and where a job takes hosts of its
    own; other jobs share the CPUs and the memory of this machine, each in one process.

    configs: of some jobs of the sweep, of which the first that is not local stands for all. jobs: how many there are at
    most. overrides: all that the command line has. processes: some that were started before. Raises SettingsError for
    bad settings up to that configuration.
    """
    built = ((config, build(RunSettings, config)) for config in configs)
    found = next(((config, settings) for config, settings in built if settings.runtime.name != "local"), None)
    if found is None:
        yield lambda left, at_once: Workers((), LocalTasks(run_job), travels=False)
        return
    with ExitStack() as resources:
        preparing = _Preparing(resources, *found, jobs=jobs)
        runtime = preparing.settings.runtime
        asked = runtime.address is not None or runtime.dashboard or preparing.settings.sweep.workers == "ray"
        if asked or names_hosts(overrides):
            preparing.connect()
        else:
            preparing.warm(processes or resources.enter_context(ended(start_processes())))
        yield preparing.workers


def checked(jobs: Sequence[UncheckedJob], processes: WarmProcesses | None) -> list[SweepJob]:
    """Return the jobs of a sweep, in their order, which are checked side by side where there are processes for it.

    Raises SettingsError for all that a run refuses: that of the first bad job.
    """
    found: dict[int, Any] = {}
    if processes is not None and len(jobs) >= _FEW_JOBS:
        tasks = ProcessTasks(processes, _checked_or_none)
        for number, job in enumerate(jobs):
            tasks.submit(number, job, Request(1.0, 0))
        code_version(())  # reads nearly all that the sweep's key takes next, while this process would only wait
        while len(tasks):
            found |= dict(tasks.ended(_LOOK_SECONDS))
    there = ((job, found.get(number)) for number, job in enumerate(jobs))
    return [one if isinstance(one, SweepJob) else sweep_job(*job) for job, one in there]


def _checked_or_none(job: UncheckedJob, here: bool) -> SweepJob | None:
    """Return the job if nothing is wrong with it; otherwise None, and the process of the command finds it again."""
    try:
        return sweep_job(*job)
    except SettingsError:
        return None


class _Preparing:
    """A sweep whose first job not to be local has this configuration. resources: released when it is over."""

    def __init__(self, resources: ExitStack, config: Mapping[str, Any], settings: RunSettings, *, jobs: int) -> None:
        self.settings = settings
        self._resources, self._config, self._jobs = resources, config, jobs
        self._process: RayProcess | None = None
        self._processes: WarmProcesses | None = None

    def connect(self) -> None:
        """Begin to connect to Ray, and let its workers import, unless code travels with the jobs: a worker would import
        it from here.
        """
        runtime = self.settings.runtime
        if runtime.address is None and not self.settings.quiet:
            print(f"starting Ray for {self._jobs} jobs", file=sys.stderr)
        warm = None if own_packages(targets_of(self._config).values()) else partial(warm_up, self._config)
        process = ray_process(access_of(runtime), runtime.hang_seconds, warm_up=warm, workers=self._jobs)
        self._process = self._resources.enter_context(process)

    def warm(self, processes: WarmProcesses) -> None:
        """Let processes of this machine import."""
        self._processes = processes
        processes.warm_up(partial(warm_up, self._config))

    def workers(self, left: Sequence[SweepJob], at_once: int | None) -> Workers:
        """See `Ready`."""
        left = [job for job in left if job.settings.runtime.name != "local"]
        if not left:
            return Workers((), LocalTasks(run_job), travels=False)
        if self._processes is not None:
            machines = (self._processes.machine,)
            if not any(job.has_own_hosts(machines, len(left) if at_once is None else at_once) for job in left):
                return Workers(machines, ProcessTasks(self._processes, run_job), travels=False)
            self._processes.end()
            self.connect()
        assert self._process is not None, "either processes or Ray were started"
        return Workers(self._process.opened.machines, RayTasks(self._process, run_job), travels=True)
