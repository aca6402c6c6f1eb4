"""The command as a Hydra application: `hydra.main` with one-line errors, which writes nothing for bad settings."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf, open_dict, read_write
from omegaconf.errors import OmegaConfBaseException

from ceas_ray.config.command_line import CommandLine
from ceas_ray.config.composed_configs import ComposedConfigs
from ceas_ray.config.composition import PRIMARY, VERSION_BASE, one_line, plain
from ceas_ray.config.conf_path import conf_directory
from ceas_ray.config.errors import SettingsError
from ceas_ray.config.search_space import SearchSpace
from ceas_ray.tracking.files import write_whole

_ERRORS_AS_RAISED = "HYDRA_FULL_ERROR"


@dataclass(frozen=True)
class Job:
    """A job as Hydra composed it: its configuration and the overrides that led to it.

    A job of a sweep also has a number, and the folder that holds the folders of all jobs.
    """

    config: dict[str, Any]
    overrides: tuple[str, ...]
    number: int | None = None
    sweep_folder: Path | None = None


ComposedJob = Callable[[int, Mapping[str, Any]], Job]
"""Function that returns the job of a search, from its number and the values it chose, by override key."""


class JobRunner(Protocol):
    """Runs jobs; each returns its objective, a number, or None."""

    def __call__(self, job: Job) -> float | None:
        """Run one job."""

    def together(self, jobs: Sequence[Job]) -> Sequence[float | None]:
        """Run the jobs of a sweep, side by side where possible."""

    def search(self, given: Mapping[str, Any], space: SearchSpace, folder: Path, composed: ComposedJob) -> None:
        """Search this space, and leave the jobs in `folder`. given: the settings of `hydra.sweeper`."""


def run_application(line: CommandLine, task: JobRunner) -> int:
    """Let Hydra do what the command line asks for, and let `task` run the jobs; return Hydra's exit code.

    Raises SettingsError for a command line that cannot be composed.
    """

    refused: list[Exception] = []  # kept, because Hydra prints lines of its own about an error in a job
    failures: list[Exception] = []  # errors that jobs raised, not Hydra

    def application(config: DictConfig) -> float | None:
        try:
            job = _job(config)
        except (SettingsError, OmegaConfBaseException) as error:
            refused.append(error)
            return None
        try:
            return task(job)
        except Exception as error:
            failures.append(error)
            raise

    application.together = task.together  # type: ignore[attr-defined] # for the launcher, which gets this function
    application.search = task.search  # type: ignore[attr-defined] # for the sweeper, likewise
    decorated = hydra.main(config_path=str(conf_directory()), config_name=PRIMARY, version_base=VERSION_BASE)
    with _as_command([*line.options, *line.overrides]):
        try:
            with one_line(line.overrides):
                decorated(application)()
                if refused:
                    raise refused[0]
        except SystemExit as end:
            return end.code if isinstance(end.code, int) else 0
        except SettingsError:
            if failures:
                raise failures[0] from None
            raise
    return 0


@contextmanager
def _as_command(words: list[str]) -> Iterator[None]:
    """Make Hydra take these words for the arguments of this process, and leave errors and logging to us."""
    before, errors = sys.argv, os.environ.get(_ERRORS_AS_RAISED)
    root = logging.getLogger()
    level, handlers = root.level, root.handlers[:]
    sys.argv = [before[0], *words]
    os.environ[_ERRORS_AS_RAISED] = "1"
    try:
        yield
    finally:
        sys.argv = before
        root.setLevel(level)
        root.handlers[:] = handlers
        if errors is None:
            del os.environ[_ERRORS_AS_RAISED]
        else:
            os.environ[_ERRORS_AS_RAISED] = errors


def write_multirun(sweep: DictConfig) -> None:
    """Leave `multirun.yaml` in the folder of a sweep, as Hydra's own sweeper does; no link that is there is followed.

    Do nothing where there is no such folder or it cannot be written to.
    """
    folder = Path(sweep.hydra.sweep.dir)
    if folder.is_dir():
        with suppress(OSError):  # the sweep has told of a disk that is full
            write_whole(folder / "multirun.yaml", OmegaConf.to_yaml(sweep).encode())


class JobComposer:
    """Composes the jobs of a sweep, as Hydra's own launchers do, though not each from its files anew.

    loader: Hydra's configuration loader of this command. sweep: the configuration that all jobs share.
    """

    def __init__(self, loader: Any, sweep: DictConfig) -> None:
        self._configs, self._sweep = ComposedConfigs(lambda words: loader.load_sweep_config(sweep, list(words))), sweep
        self._place = Path(sweep.hydra.sweep.dir)  # resolved once: a folder named by the time is the same in every job

    def job(self, number: int, words: Sequence[str]) -> Job:
        """Return the job with this number and these overrides."""
        config, instance = self._configs.of(words), HydraConfig.instance()
        OmegaConf.copy_cache(from_config=self._sweep, to_config=config)  # a time, for one, is the same in every job
        before, own = instance.cfg, config.hydra
        try:
            instance.cfg = config
            with read_write(own), read_write(own.runtime), open_dict(own):
                own.job.id, own.job.num = str(number), number
                own.runtime.output_dir = str((self._place / str(own.sweep.subdir)).absolute())
            return _job(config)
        finally:
            instance.cfg = before


def _job(config: DictConfig) -> Job:
    """Return the job that Hydra is about to run, with its folder from Hydra and the store of its sweep."""
    own = HydraConfig.get()
    overrides = tuple(own.overrides.task)
    found = plain(config, own.runtime.choices, overrides)
    folder = own.runtime.output_dir
    if own.mode == RunMode.MULTIRUN:
        return Job(found | {"output": folder}, overrides, int(own.job.num), Path(own.sweep.dir))
    if Path(folder) == Path(own.runtime.cwd):
        return Job(found, overrides)
    if found["output"] is not None and Path(found["output"]).absolute() != Path(folder):
        raise SettingsError("output", f"left out, or the same as hydra.run.dir={folder}", found["output"])
    return Job(found | {"output": folder}, overrides)
