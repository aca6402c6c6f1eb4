"""The experiment behind the headline claim, from its registered design to its page.

Ends with a table, FOLDER/index.html, plots, FOLDER/summary.json and an MLflow run. A second call resumes.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from ceas_ray.config.composition import composed
from ceas_ray.config.schema import RunSettings
from ceas_ray.config.validation import build
from ceas_ray.runs.code_state import git_state
from ceas_ray.runs.folder import held, make_folder
from ceas_ray.runs.results import SCHEMA_VERSION
from ceas_ray.runs.tracking_choice import checked_uri
from ceas_ray.runtime.available_cpus import available_cpus
from ceas_ray.studies.headline.design import Cell, Plan, Run, read_design
from ceas_ray.studies.headline.report import Findings, findings, print_findings, write_page
from ceas_ray.studies.headline.statistics import Accuracies, best_rates, worst_strengths
from ceas_ray.studies.headline.training_runs import Executor, Laboratory, in_processes
from ceas_ray.studies.tracked_study import track_study
from ceas_ray.tracking.console import RunProgress
from ceas_ray.tracking.files import write_json, write_whole
from ceas_ray.world.builder import build_world

_NOT_OF_RUNS = ("study.", "output=", "quiet=", "tracking", "runtime")


def reproduce(words: Sequence[str]) -> Path:
    """Run what is missing of the experiment with these overrides, and report; return the path of its summary.

    Raises SettingsError before anything is made, RuntimeFailure if the cluster cannot be had, and KeyboardInterrupt,
    once the summary says so.
    """
    config = composed(["experiment=headline", *words])
    settings = build(RunSettings, config)
    plan = _plan(settings, words)
    folder = Path(settings.output or f"outputs/headline_{settings.study.form}").absolute()
    make_folder(folder)
    with held(folder, "output"):
        write_whole(folder / "settings.yaml", yaml.safe_dump(dict(config), sort_keys=True).encode())
        return _reproduced(settings, plan, folder, words)


def _reproduced(settings: RunSettings, plan: Plan, folder: Path, words: Sequence[str]) -> Path:
    started = time.perf_counter()
    about = {"schema_version": SCHEMA_VERSION, "study": "headline", "form": settings.study.form}
    try:
        found = _findings(settings, plan, folder)
    except KeyboardInterrupt:
        write_json(folder / "summary.json", about | {"status": "interrupted"})
        raise
    commit, dirty = git_state()
    about |= {"runs": plan.count(), "git_commit": commit, "git_dirty": dirty}
    page = {name: value for name, value in about.items() if name not in ("schema_version", "study")}
    files = write_page(folder, found, page)
    summary: dict[str, Any] = {
        **about, "status": "completed", "overrides": list(words), "results": found,
        "wall_seconds": time.perf_counter() - started, "mlflow_run_id": _track(settings, folder, found, files),
    }  # fmt: skip
    write_json(folder / "summary.json", summary)
    print_findings(found)
    print(folder / "index.html")
    return folder / "summary.json"


def _plan(settings: RunSettings, words: Sequence[str]) -> Plan:
    """Return all runs; raises SettingsError for a design or settings with which they cannot be built."""
    checked_uri(settings.tracking.uri)
    design, form = read_design(settings.study.design, settings.study.form)
    plan = Plan(design, form, tuple(word for word in words if not word.lstrip("+~").startswith(_NOT_OF_RUNS)))
    cell = Cell(
        scenario=form.scenarios[0],
        arm=form.arms[0],
        attack=next(iter(form.attacks)),
        strength=1.0,
        placement=form.placements[0],
    )
    for run in (plan.run(cell, learning_rate=0.1, seed=1), *plan.tuning(form.scenarios[0])[:1]):
        build_world(build(RunSettings, composed(list(run.overrides))))
    return plan


def _findings(settings: RunSettings, plan: Plan, folder: Path) -> list[Findings]:
    with _executor(settings) as execute, _Progress(plan.count(), settings.quiet) as progress:
        laboratory = Laboratory(folder / "runs", execute, plan.design.last_evaluations, progress.done)
        return [_scenario(plan, name, laboratory) for name in plan.form.scenarios]


def _scenario(plan: Plan, scenario: str, laboratory: Laboratory) -> Findings:
    """Tune, select and evaluate the arms of a scenario."""
    form = plan.form
    tuned = laboratory.results(plan.tuning(scenario))
    rates = best_rates(tuned, form.arms) if tuned else dict.fromkeys(form.arms, form.learning_rates[0])
    selection = laboratory.results(plan.selection(scenario, rates))
    strengths = worst_strengths(selection)
    evaluation = laboratory.results(plan.evaluation(scenario, rates, strengths))
    accuracies = Accuracies.of(selection, evaluation, strengths)
    return findings(plan.design, form, scenario, found=accuracies, results=evaluation, rates=rates, strengths=strengths)


@contextmanager
def _executor(settings: RunSettings) -> Iterator[Executor]:
    """Yield what trains runs: Ray, or processes of this machine."""
    processors = available_cpus()
    if settings.runtime.name == "local":
        with in_processes(processors) as execute:
            yield execute
        return
    from ceas_ray.runtime.ray_runtime import ray_cluster, results_as_they_come

    with ray_cluster(settings.runtime.address, processors, settings.runtime.dashboard):
        yield results_as_they_come


class _Progress:
    """A bar over all runs, with an estimate of what is left, from this call's."""

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


def _track(settings: RunSettings, folder: Path, found: Sequence[Findings], files: Sequence[Path]) -> str | None:
    metrics: dict[str, float] = {}
    for of_scenario in found:
        name = of_scenario["scenario"]
        metrics |= {f"{name}/worst/{row['arm']}": row["accuracy"] for row in of_scenario["worst"]}
        metrics |= {f"{name}/gain over {over}": row["mean"] for over, row in of_scenario["gains"].items()}
    parameters = {"study": "headline", "form": settings.study.form}
    return track_study(settings.tracking, folder, parameters, metrics, files=[folder / "settings.yaml", *files])
