"""One run: from settings to a run folder with its summary."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from ceas_ray.config.errors import SettingsError
from ceas_ray.config.schema import RunSettings
from ceas_ray.config.validation import build
from ceas_ray.runs.cluster import cluster_of, connecting
from ceas_ray.runs.confirmed_places import confirmations
from ceas_ray.runs.dry_run import print_forecast
from ceas_ray.runs.ending import Ended, going_on, print_end
from ceas_ray.runs.folder import (
    claimed,
    digests_of,
    held,
    journal_of,
    refuse_while_its_sweep_runs,
    wanted_folder,
)
from ceas_ray.runs.limits import Pruning
from ceas_ray.runs.mlflow_process import MlflowProcess, sending
from ceas_ray.runs.record import RunRecord
from ceas_ray.runs.resume import (
    held_snapshots,
    refuse_snapshots_of_others,
    refuse_unwritable_snapshots,
    resumed,
    snapshot_folder,
)
from ceas_ray.runs.tracking_choice import with_absolute_uri
from ceas_ray.runs.training_run import Status, TrainingRun
from ceas_ray.runtime.interruption import Interruption
from ceas_ray.runtime.ray_process import RayProcess
from ceas_ray.tracking.locks import HeldLock
from ceas_ray.world.builder import build_world
from ceas_ray.world.inputs import with_inputs
from ceas_ray.world.world import World


def execute(
    config: Mapping[str, Any], interruption: Interruption, ended: Ended | None = None, at: Path | None = None,
    *, printed_warnings: Sequence[str] | None = None, pruning: Pruning | None = None,
) -> Status:  # fmt: skip
    """Check, build and run one job; return how it ended.

    ended: is given the summary and the folder of a run that is over, before its cluster goes; None: they are printed.
    at: where the folder of a new run is on this machine, for a job that was sent here by one that sends to MLflow
    itself; None: where settings say. printed_warnings: those of a job, which its sweep has printed; None: they are
    found and printed. pruning: of a trial of a search.

    Raises SettingsError for bad settings, and RuntimeFailure if the cluster cannot be had.
    """
    config, settings = _with_absolute_places(config)
    is_new = settings.verify is None and settings.resume is None
    folder = (at or wanted_folder(settings)) if is_new else Path(settings.resume or settings.verify or "")
    if is_new:
        refuse_snapshots_of_others(settings, folder)
    if settings.dry_run:
        print_forecast(settings)
        return "completed"
    if settings.verify is not None:
        return _verify(settings, build_world(settings), folder)
    if at is None and not is_new:
        refuse_while_its_sweep_runs(folder, "resume")
    claim = claimed(folder, settings.output is None) if is_new else held(folder, "resume")
    with claim as lock, held_snapshots(settings) as place, _processes(settings, lock, at) as (process, tracker):
        world = build_world(settings)
        found = None if is_new else resumed(settings, config, folder)
        if is_new:
            refuse_snapshots_of_others(settings, lock.folder)
            refuse_unwritable_snapshots(settings, lock.folder)
        with cluster_of(settings, world, process) as cluster:
            config = with_inputs(config, world.inputs)
            record = RunRecord(settings, config, lock, tracker, printed_warnings=printed_warnings)
            ended = ended or _printed(config, lock.folder, interruption)
            run = TrainingRun(settings, world, cluster, record, place=place, found=found, ended=ended, pruning=pruning)
            return run.go(interruption)


@contextmanager
def _processes(
    settings: RunSettings, lock: HeldLock, at: Path | None
) -> Iterator[tuple[RayProcess | None, MlflowProcess | None]]:
    """Yield the processes that speak with Ray and MLflow for a run, where it needs them."""
    with connecting(settings) as process, sending(settings, lock.folder, tracked=at is None) as tracker:
        yield process, tracker


def _printed(config: Mapping[str, Any], folder: Path, interruption: Interruption) -> Ended:
    """Return what prints how a run ended, and let the interruption say how it goes on where nothing else can."""
    words = confirmations(config, os.environ)
    interruption.farewell = going_on("interrupted", folder, words)

    def ended(summary: Mapping[str, Any], folder: Path) -> None:
        print_end(summary, folder, words)
        interruption.farewell = ""

    return ended


def _with_absolute_places(config: Mapping[str, Any]) -> tuple[Mapping[str, Any], RunSettings]:
    """Return the configuration in which places are found from anywhere, and its settings.

    Raises SettingsError for settings of a study, and for a snapshot folder that cannot be.
    """
    build(RunSettings, config)
    config = with_absolute_uri(config)
    settings = build(RunSettings, config)
    if settings.study.name is not None:
        raise SettingsError("study.name", "null for a training run", settings.study.name)
    snapshot_folder(settings, Path())  # refuses before anything is made
    chosen = settings.runtime.snapshot_folder
    if settings.resume is not None or chosen is None:
        return config, settings
    where = chosen if "://" in chosen else str(Path(chosen).absolute())
    config = dict(config) | {"runtime": config["runtime"] | {"snapshot_folder": where}}
    return config, build(RunSettings, config)


def _verify(settings: RunSettings, world: World, folder: Path) -> Literal["completed", "failed"]:
    """Replay the run in `folder`, compare it round by round and say the first difference."""
    wanted = digests_of(journal_of(folder, "verify"))
    if not wanted:
        raise SettingsError("verify", "the folder of a run with a round in its journal", str(folder))
    compared = 0
    with cluster_of(settings, world) as cluster:
        for end in cluster.simulation(lambda fault: print(fault.cause, file=sys.stderr)).rounds():
            number, found = end.mark.round_index, end.digest.hex()
            if wanted.get(number) != found:
                print(f"round {number} differs: digest {found} instead of {wanted.get(number)}", file=sys.stderr)
                return "failed"
            compared += 1
            if compared == len(wanted):
                break
    if compared < len(wanted):
        print(f"the replay ended after {compared} rounds, the run in {folder} has {len(wanted)}", file=sys.stderr)
        return "failed"
    print(f"the same: {compared} rounds of {folder}")
    return "completed"
