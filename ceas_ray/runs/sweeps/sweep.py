"""A sweep, from its checked jobs to its table: side by side, each job exactly once."""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

from ceas_ray.config.errors import SettingsError
from ceas_ray.config.policies import own_packages
from ceas_ray.kernel.input_file import InputFile
from ceas_ray.runs.sweeps.jobs import SweepJob
from ceas_ray.runs.sweeps.report import TABLE, SweepProgress, import_tables, name_of, report, warnings_in
from ceas_ray.runs.sweeps.state import OVER, REPORTED, key_of, refuse_taken, running, status_of, summary_of, unfinished
from ceas_ray.runs.sweeps.work import JobEnd, Parcel, own_fingerprint, packed, unpack
from ceas_ray.runs.sweeps.workers import Ready, Workers
from ceas_ray.runs.training_run import Status
from ceas_ray.runtime.failure import HostLost, RuntimeFailure
from ceas_ray.runtime.interruption import Interruption
from ceas_ray.tracking.files import Journal
from ceas_ray.world.inputs import modules_of, targets_of

_LOOK_SECONDS, _MAX_LOSSES = 0.2, 3
_LAST_SECONDS = 2.5
"""How long jobs that were interrupted have for an orderly end."""


SweepEnded = Callable[[Path, Sequence[SweepJob], Mapping[int, str], Mapping[int, str]], object]


class Source(Protocol):
    """Chooses the jobs of a sweep as others end. parallel: how many run at once; total: how many there are in all."""

    parallel: int
    total: int

    def next(self) -> tuple[SweepJob, str] | None:
        """Return the next job, and why it cannot be run (empty if it can); None if there are no more."""

    def judged(self, job: SweepJob, end: JobEnd) -> JobEnd:
        """Return how a job ended, as the search counts it."""

    def ended(self, job: SweepJob, end: JobEnd) -> None:
        """Take note that a job is over; end: as judged, and written to the sweep's journal."""


def run_sweep(
    jobs: Sequence[SweepJob],
    folder: Path,
    by_default: bool,
    interruption: Interruption,
    *,
    ready: Ready,
    ended: SweepEnded = report,
) -> Mapping[int, Status]:
    """Run all jobs of the sweep in `folder`; return how each ended, by its number (one that was lost is left out).

    by_default: nobody chose the folder, so an unfinished sweep of the same jobs beside it is continued. ready: what
    `getting_ready` yields for these jobs. ended: is given the folder, the jobs, and how and why each ended, by its
    number. Raises SettingsError for a folder that cannot be used, RuntimeFailure if the cluster cannot be had, and
    KeyboardInterrupt when it was interrupted and its state is on the disk.
    """
    settings, key = jobs[0].settings, key_of(jobs)
    for job in jobs:
        if job.settings.runtime.address != settings.runtime.address:
            raise SettingsError("runtime.address", "the same for all jobs of a sweep", job.settings.runtime.address)
    resume = settings.sweep.resume == "auto"
    before = unfinished(folder.parent, key) if by_default and resume else None
    if before is not None:
        jobs, folder = [job.within(folder, before) for job in jobs], before
    refuse_taken(folder, key, jobs, resume)
    workers = ready([job for job in jobs if status_of(job.folder) not in OVER], None)
    with running(folder, key, jobs, by_default) as (journal, begun):
        found = {job.number: status_of(job.folder) for job in jobs}
        states = {number: status for number, status in found.items() if status in OVER}
        return Sweep(jobs, folder, journal, begun=begun, ended=ended, states=states).go(workers, interruption)


class Sweep:
    """A sweep that has its folder and its cluster."""

    def __init__(
        self,
        jobs: Sequence[SweepJob],
        folder: Path,
        journal: Journal,
        *,
        begun: bool,
        ended: SweepEnded,
        states: Mapping[int, Status],
        source: Source | None = None,
        quiet: bool | None = None,
    ) -> None:
        """jobs: those that are known by now, which `source` adds to. states: of the jobs that are over.

        begun: another command began this sweep.
        """
        self._jobs, self._folder, self._journal, self._report = [*jobs], folder, journal, ended
        self._begun, self._states, self._source = begun, dict(states), source
        self._causes: dict[int, str] = {}
        self._by_number = {job.number: job for job in jobs}
        self._warned: set[str] = set()
        self._mlflow = True
        self._sent: Any = None
        self._total = len(jobs) if source is None else source.total
        self._progress = SweepProgress(
            self._total, len(self._states), jobs[0].settings.quiet if quiet is None else quiet
        )

    def go(self, workers: Workers, interruption: Interruption) -> Mapping[int, Status]:
        """Run what is left, and report."""
        left = [job for job in self._jobs if job.number not in self._states]
        lost = ""
        with self._progress, interruption.deferred(lambda: None):
            if self._begun:
                over = f"{len(self._states)} of {self._total} jobs are over"
                self._progress.say(f"going on with {self._folder}: {over}")
            self._warn(left)
            self._send_what_lacks()
            try:
                if left or self._source is not None:
                    self._run(left, workers, interruption)
            except RuntimeFailure as failure:
                lost = str(failure)
        self._report(self._folder, self._jobs, self._all_states(), self._causes)
        if self._sent is not None:
            self._sent.end(self._all_states(), self._folder / TABLE)
        runs_again = self._source is None and not all(status in OVER for status in self._states.values())
        if len(self._states) == self._total and not runs_again:
            self._journal.append(REPORTED, {"jobs": self._total})
        if interruption.requested and len(self._states) < self._total:
            print("interrupted; the same command goes on", file=sys.stderr)
            raise KeyboardInterrupt
        if lost:
            print(f"{lost}; the same command goes on with the sweep", file=sys.stderr)
        return self._states

    def _run(self, left: Sequence[SweepJob], workers: Workers, interruption: Interruption) -> None:
        machines, tasks = workers.machines, workers.tasks
        at_once = len(left) if self._source is None else self._source.parallel

        def submit(job: SweepJob) -> None:
            if not machines:
                tasks.submit(job.number, parcel_of(job, travels=False), None)
                return
            job = job if job.has_own_hosts(machines, at_once) else job.in_one_process()
            tasks.submit(job.number, parcel_of(job, workers.travels), job.request(machines))

        def choose() -> None:
            while len(tasks) < (at_once if machines else 1) and not interruption.requested:
                job = self._chosen(interruption)
                if job is None:
                    return
                submit(job)

        for job in left:
            submit(job)
        choose()
        if machines:
            import_tables()
        self._until_all_ended(tasks, submit, interruption, choose=choose)

    def _chosen(self, interruption: Interruption) -> SweepJob | None:
        """Return the next job of the source that can be run, or None if there are no more."""
        while self._source is not None and (found := self._source.next()) is not None:
            job, refused = found
            self._jobs.append(job)
            self._by_number[job.number] = job
            self._warn([job])
            if not refused:
                return job
            self._ended(job, JobEnd("failed", refused), interruption)
        return None

    def _warn(self, jobs: Sequence[SweepJob]) -> None:
        """Print the warnings of jobs that are to run, but those that were printed for others before."""
        new = [replace(job, warnings=tuple(w for w in job.warnings if w not in self._warned)) for job in jobs]
        for line in warnings_in(new, self._total):
            self._progress.say(line)
        self._warned.update(text for job in new for text in job.warnings)

    def _until_all_ended(
        self,
        tasks: Any,
        submit: Callable[[SweepJob], None],
        interruption: Interruption,
        *,
        choose: Callable[[], None],
    ) -> None:
        """Take the jobs as they end.

        submit: begins one once more, whose machine was lost. choose: submits those that a source chooses.
        """
        until, losses = float("inf"), Counter[int]()
        while len(tasks) and time.monotonic() < until:
            self._journal.require_held()  # jobs that begin would make the folder of a sweep that is lost anew
            if interruption.requested and until == float("inf"):
                until = time.monotonic() + _LAST_SECONDS
                self._progress.say(f"interrupted: {len(tasks)} jobs are not over")
                tasks.cancel()
            for number, end in tasks.ended(_LOOK_SECONDS):
                job = self._by_number[number]
                losses[number] += isinstance(end, HostLost)
                if isinstance(end, HostLost) and losses[number] <= _MAX_LOSSES and not interruption.requested:
                    self._progress.say(f"{name_of(job)}: {end}; it begins once more")
                    submit(job)
                else:
                    self._ended(job, end, interruption)
            choose()

    def _ended(self, job: SweepJob, end: JobEnd | RuntimeFailure, interruption: Interruption) -> None:
        if isinstance(end, RuntimeFailure):
            end = JobEnd("interrupted" if interruption.requested else "failed", str(end))
        if end.packed is not None:
            unpack(end.packed, job.folder)
        if self._source is not None and end.status != "interrupted":
            end = self._source.judged(job, end)
        place = job.folder.relative_to(self._folder).as_posix()
        self._journal.append("job", {"number": job.number, "status": end.status, "cause": end.cause, "folder": place})
        if end.status == "interrupted":
            interruption.requested = True  # a job in this process hears of signals itself
            return
        if self._source is not None:
            self._source.ended(job, end)
        self._states[job.number], self._causes[job.number] = end.status, end.cause
        self._send(job)
        self._progress.ended(job, end.status, summary_of(job.folder).get("test_accuracy"))

    def _all_states(self) -> dict[int, str]:
        """Return how each job stands, those that did not end included."""
        begun = {job.number: (job.folder / "journal.jsonl").exists() for job in self._jobs}
        return {number: "interrupted" if was else "not begun" for number, was in begun.items()} | self._states

    def _send_what_lacks(self) -> None:
        """Send what was over before, and not in MLflow yet."""
        for number in self._states:
            job = self._by_number[number]
            if summary_of(job.folder).get("mlflow_run_id") is None:
                self._send(job)

    def _send(self, job: SweepJob) -> None:
        """Send a run that is over to MLflow. Where that fails once, it is not tried for the others."""
        if not (job.settings.tracking.mlflow and self._mlflow and summary_of(job.folder)):
            return
        from ceas_ray.runs.sweeps.mlflow_parent import SweepInMlflow  # here, because SQLAlchemy takes long to import

        self._sent = self._sent or SweepInMlflow(self._jobs, self._folder, self._journal, self._progress.say)
        try:
            self._mlflow = self._sent.send(job)
        except (SettingsError, OSError) as error:
            self._progress.say(f"{name_of(job)} cannot be sent to MLflow: {error}")
        if not self._mlflow:
            self._progress.say(f"ceas-sync {self._folder}/* sends all that MLflow lacks of this sweep")


def parcel_of(job: SweepJob, travels: bool = True) -> Parcel:
    """Return the job as it travels, with all that it takes from this machine; with nothing where it stays here."""
    stays = Parcel(
        job.config, job.folder, packed=None, files={}, code={}, fingerprint=None, warnings=job.warnings,
        pruning=job.pruning,
    )  # fmt: skip
    if not travels:
        return stays
    packages = own_packages(targets_of(job.config).values())
    return replace(
        stays,
        packed=packed(job.folder),
        files={path: InputFile.read(path).content for path in job.inputs.paths.values()},
        code={name: path.read_bytes() for package in packages for name, path in modules_of(package).items()},
        fingerprint=None if job.settings.runtime.allow_mixed_hosts else own_fingerprint(),
    )
