"""Training runs of the experiment: side by side, each with a result file that is written whole."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import as_completed
from contextlib import contextmanager
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from ceas_ray.config.composition import composed
from ceas_ray.config.schema import RunSettings
from ceas_ray.config.validation import build
from ceas_ray.kernel.windows import Simulation
from ceas_ray.links.remembered_link import LinkMemory, remembered
from ceas_ray.messages.observations import StallObserved
from ceas_ray.runtime.local_runtime import LocalCluster
from ceas_ray.runtime.worker_pool import worker_pool
from ceas_ray.studies.headline.design import RegisteredPlan, Run, named
from ceas_ray.tracking.files import write_json
from ceas_ray.world.builder import build_world
from ceas_ray.world.world import World

Result = dict[str, Any]


def train(run: Run, last_evaluations: int) -> Result:
    """Train one run in this process; return accuracy and loss, averaged over the last evaluations, and chance.

    With a validation set also the accuracy there, and its chance; else None. A run that stalls counts at chance.
    Evaluations are every `training.evaluate_every` rounds, counted from the end.
    """
    settings, world = built(run)
    rounds, every, started = settings.training.rounds, settings.training.evaluate_every, time.perf_counter()
    found: list[tuple[float, float]] = []
    validated: list[float] = []
    status, digest = "completed", b""
    for end in Simulation(LocalCluster(world.one_host())).rounds():
        if any(isinstance(observation.payload, StallObserved) for observation in end.observations):
            status = "stalled"
            break
        digest, left = end.digest, rounds - 1 - end.mark.round_index
        if left % every == 0 and left < every * last_evaluations and end.mark.round_index >= 0:
            found.append(world.evaluation(np.asarray(end.mark.model)))
            if world.validation is not None:
                validated.append(world.validation(np.asarray(end.mark.model))[1])
    losses, accuracies = zip(*found, strict=True) if found else ((), ())
    chance = world.data.chance_accuracy
    completed = status == "completed" and bool(found)
    return asdict(run) | {
        "status": status,
        "accuracy": float(np.mean(accuracies)) if completed else chance,
        "loss": float(np.mean(losses)) if completed else None,
        "chance": chance,
        "validation_accuracy": float(np.mean(validated)) if completed and validated else world.data.validation_chance,
        "validation_chance": world.data.validation_chance,
        "trace_digest": digest.hex(),
        "wall_seconds": time.perf_counter() - started,
    }


_MEMORY = LinkMemory()


def built(run: Run) -> tuple[RunSettings, World]:
    """Return a run's settings and its world, whose links share what they answered in this process's other runs of the
    seed.
    """
    settings = build(RunSettings, composed(list(run.overrides)))
    world, memory = build_world(settings), _MEMORY.of_seed(settings.seed)
    return settings, replace(world, links=tuple(remembered(link, memory) for link in world.links))


Train = Callable[[Run], Result]
"""Trains a run in the process where it is called; it is pickled."""


def averaged(plan: RegisteredPlan[Any, Any]) -> Train:
    """Return what trains the runs of a plan with an `AveragedDesign`."""
    return partial(train, last_evaluations=plan.design.last_evaluations)


Executor = Callable[[Train, Sequence[Run]], Iterator[tuple[Run, Result]]]
"""Runs with their results, as they come, of a function of a run."""


@contextmanager
def in_processes(processes: int) -> Iterator[Executor]:
    """Yield an `Executor` in this many processes of this machine."""
    with worker_pool(processes) as pool:

        def execute(function: Train, runs: Sequence[Run]) -> Iterator[tuple[Run, Result]]:
            waiting = {pool.submit(function, run): run for run in runs}
            for future in as_completed(waiting):
                yield waiting[future], future.result()

        yield execute


class Source(Protocol):
    """Where results come from: a `Laboratory`, or a table of what was run."""

    def results(self, runs: Sequence[Run]) -> list[Result]:
        """Return the results of all runs, in their order."""


class Laboratory:
    """Runs what has no result yet in `folder`; results of equal overrides are taken as they are."""

    def __init__(self, folder: Path, execute: Executor, train: Train, done: Callable[[Run, float], None]) -> None:
        """train: what makes a run's result, `wall_seconds` among it. done: called with every run as it ends, and with
        its length in seconds (0 if its result was there already).
        """
        self._folder, self._execute, self._train, self._done = folder, execute, train, done
        folder.mkdir(parents=True, exist_ok=True)

    def results(self, runs: Sequence[Run]) -> list[Result]:
        """Return the results of all runs, in their order."""
        wanted = named(runs)
        missing = [run for key, run in wanted.items() if not self._file(key).exists()]
        missing.sort(key=lambda run: run.seed)  # runs of a seed share what their links did
        for _ in range(len(wanted) - len(missing)):
            self._done(runs[0], 0.0)
        for run, result in self._execute(self._train, missing) if missing else ():
            write_json(self._file(run.key), result)
            self._done(run, result["wall_seconds"])
        return [json.loads(self._file(run.key).read_text()) for run in runs]

    def take(self, key: str, result: Result) -> None:
        """Keep the result of a run that was made elsewhere, unless there is one."""
        if not self._file(key).exists():
            write_json(self._file(key), result)

    def _file(self, key: str) -> Path:
        return self._folder / f"{key}.json"
