"""Runs a registered experiment: what is missing of its training runs, then its tables, page and MLflow run.

Ends with a table, FOLDER/index.html, plots, FOLDER/summary.json and an MLflow run. A second call resumes.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

import yaml

from ceas_ray.config.composition import composed
from ceas_ray.config.errors import SettingsError
from ceas_ray.config.schema import RunSettings
from ceas_ray.config.validation import build
from ceas_ray.runs.cluster import access_of
from ceas_ray.runs.code_state import git_state
from ceas_ray.runs.folder import held, make_folder
from ceas_ray.runs.results import SCHEMA_VERSION
from ceas_ray.runs.tracking_choice import checked_uri
from ceas_ray.runtime.available_cpus import available_cpus
from ceas_ray.runtime.ray_tasks import ray_process, results_as_they_come
from ceas_ray.studies.headline.design import Run
from ceas_ray.studies.headline.training_runs import Executor, Laboratory, Result, Source, Train, in_processes
from ceas_ray.studies.refusals import refuse_dry_run
from ceas_ray.studies.tracked_study import track_study
from ceas_ray.tracking.console import RunProgress
from ceas_ray.tracking.files import write_json, write_whole
from ceas_ray.world.builder import build_world

_NOT_OF_RUNS = ("study.", "output=", "quiet=", "tracking", "runtime")
Findings = dict[str, Any]


class RunPlan(Protocol):
    """All runs of a form of an experiment."""

    @property
    def scenarios(self) -> Sequence[str]:
        """Names of what the form looks at, each by itself."""

    def count(self) -> int:
        """Return how many runs it all takes."""


P = TypeVar("P", bound=RunPlan)


@dataclass(frozen=True, kw_only=True)
class Experiment(Generic[P]):
    """A registered experiment, whose settings are `experiment=NAME`.

    plan: from settings and the overrides that hold for all runs; raises SettingsError for what cannot be run. train:
    what makes the result of a run of the plan. findings: from the plan, a scenario, and what its results come from.
    write_page: to a folder, from the findings of all scenarios and what to say about the run; returns the files.
    figure_of_gain: the figure of a gain that MLflow shows. recorded: results of runs that were made elsewhere, which
    are not made again.
    """

    name: str
    plan: Callable[[RunSettings, Sequence[str]], P]
    train: Callable[[P], Train]
    findings: Callable[[P, str, Source], Findings]
    write_page: Callable[[Path, Sequence[Findings], Mapping[str, Any]], list[Path]]
    print_findings: Callable[[Sequence[Findings]], None]
    figure_of_gain: str
    recorded: Callable[[P], Sequence[Result]] = lambda _: ()

    def reproduce(self, words: Sequence[str]) -> Path:
        """Run what is missing with these overrides, and report; return the path of the summary.

        Raises SettingsError before anything is made, RuntimeFailure if the cluster cannot be had, and
        KeyboardInterrupt, once the summary says so.
        """
        config = composed([f"experiment={self.name}", *words])
        settings = build(RunSettings, config)
        _refuse_other_commands(settings)
        checked_uri(settings.tracking.uri)
        plan = self.plan(settings, [word for word in words if not word.lstrip("+~").startswith(_NOT_OF_RUNS)])
        folder = Path(settings.output or f"outputs/{self.name}_{settings.study.form}").absolute()
        make_folder(folder)
        with held(folder, "output"):
            write_whole(folder / "settings.yaml", yaml.safe_dump(dict(config), sort_keys=True).encode())
            return self._reproduced(settings, plan, folder, words)

    def _reproduced(self, settings: RunSettings, plan: P, folder: Path, words: Sequence[str]) -> Path:
        started = time.perf_counter()
        about = {"schema_version": SCHEMA_VERSION, "study": self.name, "form": settings.study.form}
        try:
            with _executor(settings) as execute, _Progress(plan.count(), settings.quiet) as progress:
                laboratory = Laboratory(folder / "runs", execute, self.train(plan), progress.done)
                for result in self.recorded(plan):
                    laboratory.take(str(result["key"]), result)
                found = [self.findings(plan, scenario, laboratory) for scenario in plan.scenarios]
        except KeyboardInterrupt:
            write_json(folder / "summary.json", about | {"status": "interrupted"})
            raise
        commit, dirty = git_state()
        about |= {"runs": plan.count(), "git_commit": commit, "git_dirty": dirty}
        page = {name: value for name, value in about.items() if name not in ("schema_version", "study")}
        files = self.write_page(folder, found, page)
        summary: dict[str, Any] = {
            **about, "status": "completed", "overrides": list(words), "results": found,
            "wall_seconds": time.perf_counter() - started, "mlflow_run_id": self._track(settings, folder, found, files),
        }  # fmt: skip
        write_json(folder / "summary.json", summary)
        self.print_findings(found)
        print(folder / "index.html")
        return folder / "summary.json"

    def _track(
        self, settings: RunSettings, folder: Path, found: Sequence[Findings], files: Sequence[Path]
    ) -> str | None:
        parameters = {"study": self.name, "form": settings.study.form}
        artifacts = [folder / "settings.yaml", *files]
        return track_study(settings.tracking, folder, parameters, self._metrics(found), files=artifacts)

    def _metrics(self, found: Sequence[Findings]) -> dict[str, float]:
        metrics: dict[str, float] = {}
        for of_scenario in found:
            name, gains = of_scenario["scenario"], of_scenario["gains"]
            metrics |= {f"{name}/worst/{row['arm']}": row["accuracy"] for row in of_scenario["worst"]}
            metrics |= {f"{name}/gain over {over}": row[self.figure_of_gain] for over, row in gains.items()}
        return metrics


def _refuse_other_commands(settings: RunSettings) -> None:
    """Raise SettingsError for settings that ask something else of a single run than to train."""
    refuse_dry_run(settings)
    for key in ("resume", "verify"):
        if (value := getattr(settings, key)) is not None:
            raise SettingsError(key, "null for an experiment, which the same command resumes", value)


def check_runs(runs: Sequence[Run]) -> None:
    """Raise SettingsError if one of these runs cannot be built."""
    for run in runs:
        build_world(build(RunSettings, composed(list(run.overrides))))


@contextmanager
def _executor(settings: RunSettings) -> Iterator[Executor]:
    """Yield what trains runs: Ray, or processes of this machine."""
    runtime = settings.runtime
    if runtime.name == "local":
        with in_processes(available_cpus()) as execute:
            yield execute
        return
    with ray_process(access_of(runtime), runtime.hang_seconds) as process:
        yield partial(results_as_they_come, process)


class _Progress:
    """A progress bar over all runs, which estimates what is left from the runs of this call."""

    def __init__(self, runs: int, quiet: bool) -> None:
        self._bar = RunProgress(runs, quiet, "run")
        self._runs, self._finished, self._trained = runs, 0, 0
        self._started = time.perf_counter()

    def __enter__(self) -> _Progress:
        self._bar.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self._bar.__exit__(*error)

    def done(self, run: Run, seconds: float) -> None:
        """Show that a run has its result. seconds: that it took in this call, 0 if the result was there."""
        self._finished += 1
        self._trained += seconds > 0
        hours = (time.perf_counter() - self._started) / max(1, self._trained) / 3600 * (self._runs - self._finished)
        left = f"about {hours:.2f} hours left" if self._trained else ""
        self._bar.step(self._finished, f"{run.scenario}, {run.arm}, {run.attack} x{run.strength:g}  {left}")
