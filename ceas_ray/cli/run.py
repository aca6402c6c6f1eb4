"""The command `ceas-ray [overrides]`, a Hydra application."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from importlib.metadata import version
from pathlib import Path
from typing import Any

from ceas_ray.cli.before_imports import processes_of_sweep
from ceas_ray.cli.exit_codes import BAD_SETTINGS, COMPLETED, FAILED, OF_STATUS
from ceas_ray.config.application import ComposedJob, Job, run_application
from ceas_ray.config.command_line import CommandLine
from ceas_ray.config.composition import composed_jobs, jobs, overridden_keys
from ceas_ray.config.conf_path import conf_directory
from ceas_ray.config.errors import SettingsError
from ceas_ray.config.schema import RunSettings
from ceas_ray.config.search_space import SearchSpace
from ceas_ray.config.validation import build
from ceas_ray.runs.environment import with_environment
from ceas_ray.runs.resume import config_of_run
from ceas_ray.runs.run import execute
from ceas_ray.runs.sweeps.jobs import SweepJob, UncheckedJob, as_job_of_sweep, differences, sweep_job
from ceas_ray.runs.sweeps.sweep import run_sweep
from ceas_ray.runs.sweeps.workers import checked, getting_ready
from ceas_ray.runtime.failure import RuntimeFailure
from ceas_ray.runtime.interruption import INTERRUPTED, Interruption, answered
from ceas_ray.runtime.warm_processes import WarmProcesses, ended
from ceas_ray.studies.utilization.outputs import execute_study
from ceas_ray.tracking.start_line import START_LINE, say_when_compiling
from ceas_ray.world.builder import outline_world

USAGE = """usage: ceas-ray [-m] [key=value ...]
  ceas-ray                                  a CEAS run of the default experiment
  ceas-ray experiment=oblivious attacks=sign_flip seed=3
  ceas-ray -m seed=1,2 attacks=alie,sign_flip   all combinations, in folders 0, 1, ... of hydra.sweep.dir (or output)
  ceas-ray dry_run=true                     what a run would cost
  ceas-ray resume=outputs/RUN               go on with a run that was interrupted
  ceas-ray verify=outputs/RUN               replay a run and compare it round by round
options:
  --config-dir FOLDER   add configurations of your own: FOLDER/scheduling/mine.yaml for scheduling=mine
  --cfg job|hydra|all [--resolve] [--package P]   print the configuration      --info [WHAT]   how it was found
  --shell-completion install=bash   print what `eval "$(...)"` takes           --hydra-help    Hydra's own options
  --version             the versions of ceas-ray and Hydra
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the jobs that the command line asks for; return the exit code."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if any(word in ("-h", "--help") for word in words):
        print(USAGE + _choices())
        return COMPLETED
    if "--version" in words:
        print(_versions())
        return COMPLETED
    say_when_compiling()
    processes = processes_of_sweep()
    with nullcontext() if processes is None else ended(processes):
        return answered(lambda interruption: _run(words, interruption, processes))


def _run(words: Sequence[str], interruption: Interruption, processes: WarmProcesses | None) -> int:
    try:
        line = CommandLine.of(words)
        if line.runs and line.sweep and not _is_handed_over(line):
            _refuse_bad_jobs(line)
        task = Task(interruption, line, processes)
        code = run_application(line, task)
    except (SettingsError, RuntimeFailure) as error:
        return _refused(error)
    finally:
        START_LINE.end()
    return code or task.exit_code(line.sweep)


def _refused(error: Exception) -> int:
    """Print why a command is not carried out; return its exit code."""
    START_LINE.end()
    print(error, file=sys.stderr)
    return BAD_SETTINGS


def _is_handed_over(line: CommandLine) -> bool:
    """Return whether the launcher hands over all jobs of this sweep together, so that they are checked there."""
    choices = [word.partition("=")[2] for word in line.overrides if word.startswith(("hydra/launcher=", "hydra/sweep"))]
    return all(choice in ("ray", "grid", "optuna") for choice in choices)


def _refuse_bad_jobs(line: CommandLine) -> None:
    """Raise SettingsError for the first bad job of a sweep, before any job runs and before any file is written.

    A sweeper other than Hydra's own finds its jobs as it goes, so they are not checked here.
    """
    if any(word.startswith("hydra/sweeper=") for word in line.overrides):
        return
    lines = jobs(line.overrides)
    for overrides, config in zip(lines, composed_jobs(lines), strict=True):
        config, _ = _configuration(Job(config, tuple(overrides), 0))
        _refuse_shared_run(config)
        outline_world(build(RunSettings, config))


def _refuse_shared_run(config: Mapping[str, Any]) -> None:
    if config["tracking"]["run_id"] is not None:
        must = "null in a sweep, whose jobs have runs of their own (tracking.parent_run_id takes them)"
        raise SettingsError("tracking.run_id", must, config["tracking"]["run_id"])


class Task:
    """Run each job, and remember how it ended.

    A launcher that runs jobs in other processes sends a copy there, without that record; in such a process a job
    that does not complete raises an exception, as Hydra's launchers expect.
    """

    def __init__(
        self, interruption: Interruption, line: CommandLine | None = None, processes: WarmProcesses | None = None
    ) -> None:
        self._interruption, self._line, self._processes = interruption, line, processes
        self._codes: list[int] = []
        self._said: set[str] = set()
        self._elsewhere = False

    def __getstate__(self) -> dict[str, Any]:
        return {}

    def __setstate__(self, _: dict[str, Any]) -> None:
        self.__init__(Interruption())  # type: ignore[misc]
        self._elsewhere = True

    def __call__(self, job: Job) -> float | None:
        try:
            code = self._code(job)
        except (SettingsError, RuntimeFailure) as error:
            if self._elsewhere:
                raise
            code = _refused(error)
        if self._elsewhere and code != COMPLETED:
            raise RuntimeFailure(f"job {job.number} ended with exit code {code}")
        self._codes.append(code)
        if code == INTERRUPTED:
            raise KeyboardInterrupt
        return None

    def _code(self, job: Job) -> int:
        config = self._configured(job)
        if build(RunSettings, config).study.name is not None:
            return OF_STATUS[execute_study(config)]
        return OF_STATUS[execute(config, self._interruption)]

    def _configured(self, job: Job) -> dict[str, Any]:
        config, said = _configuration(job)
        for line in said if not config["quiet"] else []:
            if line not in self._said:
                print(line, file=sys.stderr)
            self._said.add(line)
        return config

    def together(self, jobs: Sequence[Job]) -> list[float | None]:
        """Run the jobs of a sweep, side by side unless the command line names runtime=local.

        Every job is checked before the first one runs and before any file is written.
        """
        configs, folder = [self._configured(job) for job in jobs], jobs[0].sweep_folder
        for config in configs:
            _refuse_shared_run(config)
        if folder is None or any(map(_is_no_new_run, configs)):
            checked(_unchecked(jobs, configs), self._processes)
            return [self(job) for job in jobs]
        assert self._line is not None
        by_default = "hydra.sweep.dir" not in overridden_keys(self._line.overrides)
        with getting_ready(configs, len(configs), self._line.overrides, self._processes) as ready:
            found = checked(_unchecked(jobs, configs), self._processes)
            states = run_sweep(found, folder.absolute(), by_default, self._interruption, ready=ready)
        self._codes += [OF_STATUS[states[job.number]] if job.number in states else FAILED for job in found]
        return [None] * len(jobs)

    def search(self, given: Mapping[str, Any], space: SearchSpace, folder: Path, composed: ComposedJob) -> None:
        """See `JobRunner`. Values at the ends of every dimension are checked before the first trial runs."""
        from ceas_ray.runs.sweeps.search import Search, SearchSettings, run_search  # SQLAlchemy imports slowly

        def configured(number: int, chosen: Mapping[str, Any]) -> tuple[Job, dict[str, Any]]:
            job = composed(number, chosen)
            config = self._configured(job)
            _refuse_shared_run(config)
            if _is_no_new_run(config):
                raise SettingsError("hydra/sweeper", "grid where nothing is to be searched for", "optuna")
            return job, config

        def checked_trial(number: int, chosen: Mapping[str, Any]) -> SweepJob:
            job, config = configured(number, chosen)
            return sweep_job(config, number, job.overrides, {key.lstrip("+"): str(v) for key, v in chosen.items()})

        assert self._line is not None
        by_default = "hydra.sweep.dir" not in overridden_keys(self._line.overrides)
        search = Search(SearchSettings.of(given), space, folder.absolute(), by_default)
        _, first = configured(0, next(space.ends()))
        with getting_ready([first], search.settings.trials, self._line.overrides, self._processes) as ready:
            states = run_search(search, checked_trial, self._interruption, ready)
        lost = [FAILED] * (search.settings.trials - len(states))
        self._codes += [*(OF_STATUS[status] for status in states.values()), *lost]

    def exit_code(self, sweep: bool) -> int:
        """Return the exit code of the command: that of its only job, or, of a sweep, whether every job succeeded."""
        if not sweep:
            return max(self._codes, default=COMPLETED)
        return FAILED if any(code != COMPLETED for code in self._codes) else COMPLETED


def _configuration(job: Job) -> tuple[dict[str, Any], list[str]]:
    """Return the configuration of a new run, or of the one that `resume` or `verify` names.

    Return with it the lines that say what the environment sets.
    """
    config = job.config
    old = config["resume"] is not None or config["verify"] is not None
    config = config_of_run(config, job.overrides) if old else config
    config, said = with_environment(config, job.overrides, os.environ, sweep=job.number is not None)
    if job.number is not None and job.sweep_folder is not None and not old:
        config = as_job_of_sweep(config, job.number, job.sweep_folder)
    return config, said


def _unchecked(jobs: Sequence[Job], configs: Sequence[Mapping[str, Any]]) -> list[UncheckedJob]:
    """Return the jobs of a sweep with these configurations."""
    differ = differences([job.overrides for job in jobs])
    return [
        UncheckedJob(config, int(job.number or 0), job.overrides, differs)
        for job, config, differs in zip(jobs, configs, differ, strict=True)
    ]


def _is_no_new_run(config: Mapping[str, Any]) -> bool:
    """Return whether a job is a forecast, a study or an older run, which this process carries out itself."""
    settings = build(RunSettings, config)
    return settings.dry_run or any((settings.study.name, settings.resume, settings.verify))


def _versions() -> str:
    return f"ceas-ray {version('ceas-ray')}, Hydra {version('hydra-core')}"


def _choices() -> str:
    lines = ["groups and their choices:"]
    for group in sorted(path for path in conf_directory().rglob("*") if path.is_dir()):
        name = group.relative_to(conf_directory()).as_posix()
        lines.append(f"  {name}: {', '.join(sorted(path.stem for path in group.glob('*.yaml')))}")
    return "\n".join([*lines, f"every key, with its default: {conf_directory()}"])


if __name__ == "__main__":
    sys.exit(main())
