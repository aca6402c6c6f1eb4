"""The experiment behind the headline claim, from its registered design to its page.

usage: scripts/reproduce [study.form=quick|night|full] [output=FOLDER] [runtime=local] [key=value ...]

The design is conf/experiment/headline.yaml. Training runs are tasks on Ray (runtime.address: on a cluster), or with
runtime=local processes of this machine; each leaves a result file in FOLDER/runs, so that a second call resumes. Ends
with a table, FOLDER/index.html, plots, FOLDER/summary.json and an MLflow run.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from ceas_ray.cli.exit_codes import BAD_SETTINGS, COMPLETED
from ceas_ray.config.composition import composed
from ceas_ray.config.errors import SettingsError
from ceas_ray.config.schema import RunSettings
from ceas_ray.config.validation import build
from ceas_ray.runs.code_state import git_state
from ceas_ray.runs.folder import make_folder
from ceas_ray.runs.results import SCHEMA_VERSION
from ceas_ray.runs.tracking_choice import checked_uri
from ceas_ray.runtime.available_cpus import available_cpus
from ceas_ray.runtime.failure import RuntimeFailure
from ceas_ray.runtime.interruption import INTERRUPTED, answered
from ceas_ray.studies.headline.design import Plan, Run, read_design
from ceas_ray.studies.headline.report import Findings, findings, print_findings, write_page
from ceas_ray.studies.headline.statistics import Accuracies, best_rates, worst_strengths
from ceas_ray.studies.headline.training_runs import Executor, Laboratory, in_processes
from ceas_ray.tracking.console import RunProgress
from ceas_ray.tracking.files import write_json, write_whole
from ceas_ray.world.builder import build_world

_NOT_OF_RUNS = ("study.", "output=", "quiet=", "tracking", "runtime")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what is missing and report; returns the exit code."""
    parser = argparse.ArgumentParser(prog="scripts/reproduce", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("overrides", nargs="*")
    chosen = parser.parse_args(arguments)
    return answered(lambda _: _answer(chosen.overrides))


def _answer(words: list[str]) -> int:
    try:
        return _reproduce(words)
    except (SettingsError, RuntimeFailure) as error:
        print(error, file=sys.stderr)
        return BAD_SETTINGS
    except KeyboardInterrupt:
        print("interrupted: the same command resumes", file=sys.stderr)
        return INTERRUPTED


def _reproduce(words: list[str]) -> int:
    config = composed(["experiment=headline", *words])
    settings = build(RunSettings, config)
    checked_uri(settings.tracking.uri)  # refuses before anything is made
    design, form = read_design(settings.study.design, settings.study.form)
    plan = Plan(design, form, tuple(word for word in words if not word.lstrip("+~").startswith(_NOT_OF_RUNS)))
    first = plan.run(form.scenarios[0], form.arms[0], next(iter(form.attacks)), 1.0, form.placements[0], 0.1, 1)
    for run in (first, *plan.tuning(form.scenarios[0])[:1]):
        build_world(build(RunSettings, composed(list(run.overrides))))  # refuses before anything is made
    folder = Path(settings.output or f"outputs/headline_{settings.study.form}").absolute()
    make_folder(folder)
    write_whole(folder / "settings.yaml", yaml.safe_dump(dict(config), sort_keys=True).encode())
    started = time.perf_counter()
    try:
        with _executor(settings) as execute, _Progress(plan.count(), settings.quiet) as progress:
            laboratory = Laboratory(folder / "runs", execute, design.last_evaluations, progress.done)
            found = [_scenario(plan, name, laboratory) for name in form.scenarios]
    except KeyboardInterrupt:
        about = {"schema_version": SCHEMA_VERSION, "study": "headline", "form": settings.study.form}
        write_json(folder / "summary.json", about | {"status": "interrupted"})
        raise
    commit, dirty = git_state()
    about = {"form": settings.study.form, "runs": plan.count(), "git_commit": commit, "git_dirty": dirty}
    files = write_page(folder, found, about)
    summary: dict[str, Any] = {
        "schema_version": SCHEMA_VERSION, "status": "completed", "study": "headline", **about, "overrides": words,
        "results": found, "wall_seconds": time.perf_counter() - started,
        "mlflow_run_id": _track(settings, folder, found, files),
    }  # fmt: skip
    write_json(folder / "summary.json", summary)
    print_findings(found)
    print(folder / "index.html")
    print(folder / "summary.json")
    return COMPLETED


def _scenario(plan: Plan, scenario: str, laboratory: Laboratory) -> Findings:
    """Tune, select, evaluate."""
    form = plan.form
    tuned = laboratory.results(plan.tuning(scenario))
    rates = best_rates(tuned, form.arms) if tuned else dict.fromkeys(form.arms, form.learning_rates[0])
    selection = laboratory.results(plan.selection(scenario, rates))
    strengths = worst_strengths(selection)
    evaluation = laboratory.results(plan.evaluation(scenario, rates, strengths))
    accuracies = Accuracies.of(selection, evaluation, strengths)
    return findings(plan.design, form, scenario, accuracies, evaluation, rates, strengths)


@contextmanager
def _executor(settings: RunSettings) -> Iterator[Executor]:
    """Where runs are trained: on Ray, or in processes of this machine."""
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
        """A run has its result."""
        self._finished += 1
        self._trained += seconds > 0
        hours = (time.perf_counter() - self._started) / max(1, self._trained) / 3600 * (self._runs - self._finished)
        left = f"about {hours:.2f} hours left" if self._trained else ""
        self._bar.step(self._finished, f"{run.scenario}, {run.arm}, {run.attack} x{run.strength:g}  {left}")


def _track(settings: RunSettings, folder: Path, found: Sequence[Findings], files: Sequence[Path]) -> str | None:
    if not settings.tracking.mlflow:
        return None
    from ceas_ray.tracking.mlflow_tracker import MlflowTracker

    def warn(line: str) -> None:
        print(line, file=sys.stderr)

    choice = settings.tracking
    tracker = MlflowTracker(choice.uri, folder.parent, choice.experiment_name, warn)
    tracker.start(folder.name, {"study": "headline", "form": settings.study.form}, {"study": "headline"})
    metrics: dict[str, float] = {}
    for of_scenario in found:
        name = of_scenario["scenario"]
        metrics |= {f"{name}/worst/{row['arm']}": row["accuracy"] for row in of_scenario["worst"]}
        metrics |= {f"{name}/gain over {over}": row["mean"] for over, row in of_scenario["gains"].items()}
    tracker.log_rounds([(0, metrics)])
    tracker.finish("FINISHED", {}, [folder / "settings.yaml", *files])
    return tracker.run_id


if __name__ == "__main__":
    sys.exit(main())
