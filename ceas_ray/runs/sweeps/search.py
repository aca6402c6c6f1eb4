"""A search: a sweep whose jobs are the trials of a study, each chosen after what those before it came to."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from hashlib import blake2b
from pathlib import Path
from typing import Any, get_args

from ceas_ray.config.errors import SettingsError
from ceas_ray.config.search_space import SearchSpace
from ceas_ray.runs.sweeps.jobs import SweepJob
from ceas_ray.runs.sweeps.objectives import Objectives
from ceas_ray.runs.sweeps.pruner import MedianPruner, pruner_of
from ceas_ray.runs.sweeps.report import report
from ceas_ray.runs.sweeps.state import (
    OVER,
    ended_jobs,
    is_reported,
    key_of,
    refuse_taken,
    running,
    status_of,
    summary_of,
    unfinished,
)  # fmt: skip
from ceas_ray.runs.sweeps.sweep import Sweep
from ceas_ray.runs.sweeps.trials import Trial, Trials, refuse_unknown_sampler, require_optuna, trials_over
from ceas_ray.runs.sweeps.work import JobEnd
from ceas_ray.runs.sweeps.workers import Ready
from ceas_ray.runs.training_run import Status
from ceas_ray.runtime.interruption import Interruption

Composed = Callable[[int, Mapping[str, Any]], SweepJob]
"""Returns the checked job of a trial, by its number and the values it chose; raises SettingsError."""
_RESULT: tuple[Status, ...] = ("completed", "stopped")
"""States of a job whose numbers count."""


@dataclass(frozen=True)
class SearchSettings:
    """What a search looks for and how. trials: their total; parallel: how many run at once; seed: of the sampler;
    pruner: None if all trials run to their end.
    """

    objectives: Objectives
    trials: int
    parallel: int
    sampler: str
    seed: int
    pruner: MedianPruner | None

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> SearchSettings:
        """Return the settings of `hydra.sweeper`; raises SettingsError for those that are wrong."""
        require_optuna()
        for name, most in (("trials", 10_000), ("parallel", 10_000), ("seed", 2**31 - 1)):
            if isinstance(given[name], bool) or not isinstance(given[name], int) or not 1 <= given[name] <= most:
                raise SettingsError(f"hydra.sweeper.{name}", f"an integer from 1 to {most}", given[name])
        refuse_unknown_sampler(str(given["sampler"]))
        objectives = Objectives.of(given["objective"], given["direction"])
        return cls(
            objectives=objectives,
            trials=given["trials"],
            parallel=given["parallel"],
            sampler=str(given["sampler"]),
            seed=given["seed"],
            pruner=pruner_of(given, objectives),
        )


@dataclass(frozen=True)
class Search:
    """A search that is asked for. folder: where it leaves its trials; by_default: nobody chose that folder."""

    settings: SearchSettings
    space: SearchSpace
    folder: Path
    by_default: bool


def run_search(search: Search, composed: Composed, interruption: Interruption, ready: Ready) -> Mapping[int, Status]:
    """Run the search up to its total of trials, or go on with it; return how each ended, by its number.

    One that was lost is left out. Raises SettingsError for a space with values that no run takes, before anything
    runs, and otherwise what `run_sweep` raises.
    """
    settings, folder = search.settings, search.folder
    first, *others = [composed(0, chosen) for chosen in search.space.ends()]
    key, resume = _key_of(search, first), first.settings.sweep.resume == "auto"

    def finished(place: Path) -> bool:
        return trials_over(place) >= settings.trials and is_reported(place)

    before = unfinished(folder.parent, key, finished) if search.by_default and resume else None
    folder = folder if before is None else before
    refuse_taken(folder, key, [first], resume, finished=finished)
    workers = ready([first, *others], settings.parallel)
    with running(folder, key, [], search.by_default) as (journal, begun):
        trials = Trials(folder, settings.objectives, settings.sampler, settings.seed)
        source = _Source(search, trials, composed, folder=folder)
        jobs, states = source.begun(first)
        sweep = Sweep(
            jobs,
            folder,
            journal,
            begun=begun,
            ended=source.report,
            states=states,
            source=source,
            quiet=first.settings.quiet,
        )
        return sweep.go(workers, interruption)


def _key_of(search: Search, first: SweepJob) -> str:
    """Return a hash of what decides the trials, their total aside: a search with a larger one goes on."""
    settings, space = search.settings, search.space
    dimensions = {key: asdict(dimension) for key, dimension in space.dimensions.items()}
    found = [key_of([first]), dimensions, asdict(settings.objectives), settings.sampler, settings.seed]
    found += [] if settings.pruner is None else [asdict(settings.pruner)]
    return blake2b(json.dumps(found).encode(), digest_size=16).hexdigest()


class _Source:
    """The trials of a study as jobs; see `Source`."""

    def __init__(self, search: Search, trials: Trials, composed: Composed, *, folder: Path) -> None:
        self.parallel, self.total = search.settings.parallel, search.settings.trials
        self._search, self._trials, self._composed, self._folder = search, trials, composed, folder
        self._first: SweepJob | None = None

    def begun(self, first: SweepJob) -> tuple[list[SweepJob], dict[int, Status]]:
        """Return the jobs of the trials that have begun, and how those ended that are over.

        first: any job of the search, for what all of them share.
        """
        self._first = first
        known, jobs, states = ended_jobs(self._folder), [], dict[int, Status]()
        for trial in self._trials.all():
            line = known.get(trial.number)
            if trial.is_over and line is not None:
                job = first.as_other(trial.number, self._folder / line["folder"], _differs(trial))
                states[trial.number] = next(status for status in get_args(Status) if status == line["status"])
            else:
                job = self._job(trial)
                status = status_of(job.folder)
                if status in OVER:
                    end = self.judged(job, JobEnd(status, ""))
                    states[trial.number] = end.status
                    self.ended(job, end)
            jobs.append(job)
        return jobs, states

    def next(self) -> tuple[SweepJob, str] | None:
        """See `Source`. A trial whose values do not go together fails."""
        assert self._first is not None
        if len(list(self._trials.all())) >= self.total:
            return None
        trial = self._trials.ask(self._search.space.dimensions)
        try:
            return self._job(trial), ""
        except SettingsError as error:
            folder = self._folder / str(trial.number)
            return self._first.as_other(trial.number, folder, _differs(trial)), str(error)

    def judged(self, job: SweepJob, end: JobEnd) -> JobEnd:
        """See `Source`: a run without one of the objectives has failed."""
        if end.status not in _RESULT:
            return end
        try:
            self._search.settings.objectives.values(summary_of(job.folder))
        except ValueError as error:
            return JobEnd("failed", str(error))
        return end

    def ended(self, job: SweepJob, end: JobEnd) -> None:
        """See `Source`."""
        objectives, pruner = self._search.settings.objectives, self._search.settings.pruner
        values = objectives.values(summary_of(job.folder)) if end.status in _RESULT else None
        rounds = {} if pruner is None else pruner.rounds_of(job.folder)
        self._trials.tell(job.number, values, rounds, pruned=end.status == "pruned")

    def report(
        self, folder: Path, jobs: Sequence[SweepJob], states: Mapping[int, str], causes: Mapping[int, str]
    ) -> None:
        """Write and print the table of all trials, the best of them marked."""
        names = {name: name.replace("_", " ") for name in self._search.settings.objectives.names}
        in_order = sorted(jobs, key=lambda job: job.number)
        report(folder, in_order, states, causes, results=names, best=self._trials.best())

    def _job(self, trial: Trial) -> SweepJob:
        job, pruner = self._composed(trial.number, trial.chosen), self._search.settings.pruner
        pruning = None if pruner is None else pruner.pruning(self._trials)
        return replace(job.within(self._search.folder, self._folder), pruning=pruning)


def _differs(trial: Trial) -> dict[str, str]:
    return {key.lstrip("+"): str(value) for key, value in trial.chosen.items()}
