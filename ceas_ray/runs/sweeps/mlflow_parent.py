"""The MLflow run that the jobs of a sweep are shown under."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ceas_ray.config.command_line import key_named_by
from ceas_ray.runs.mlflow_content import run_name
from ceas_ray.runs.mlflow_copy import copy_to_mlflow, sweep_run
from ceas_ray.runs.sweeps.jobs import SweepJob
from ceas_ray.runs.sweeps.state import summary_of
from ceas_ray.runs.tracking_choice import default_store
from ceas_ray.tracking.files import Journal
from ceas_ray.tracking.mlflow_pages import NOTE
from ceas_ray.tracking.mlflow_tracker import MlflowTracker
from ceas_ray.tracking.tracked_run import RunEnd, RunHead

_MAX_COMPARED = 30
"""More jobs than this make an address that is too long to print."""


class SweepInMlflow:
    """Sends the jobs of a sweep to MLflow, under a run of the sweep's own.

    The sweep has no run where its jobs go to different places, or under a run that settings name.
    """

    def __init__(self, jobs: Sequence[SweepJob], folder: Path, journal: Journal, say: Callable[[str], None]) -> None:
        self._jobs, self._folder, self._journal, self._say = jobs, folder, journal, say
        places = {(job.settings.tracking.uri, job.settings.tracking.experiment_name) for job in jobs}
        shown_elsewhere = any(job.settings.tracking.parent_run_id is not None for job in jobs)
        self._has_parent = len(places) == 1 and not shown_elsewhere
        self._parent: MlflowTracker | None = None

    def send(self, job: SweepJob) -> bool:
        """Send a run that is over; return whether that went well. Raises SettingsError and OSError."""
        if self._has_parent and self._parent is None:
            self._begin()
        return not copy_to_mlflow(job.folder, job.settings.tracking.uri, self._say).failed

    def _begin(self) -> None:
        """Begin the sweep's run, or go on with it; the sweep's journal names it."""
        tracking = self._jobs[0].settings.tracking
        tracker = MlflowTracker(tracking.uri, default_store(), tracking.experiment_name, self._say)
        self._parent = tracker
        known = sweep_run(self._folder, tracker)
        if known is not None:
            tracker.go_on(known)
            return
        varied = list(dict.fromkeys(key for job in self._jobs for key in job.differs))
        shared = [word for word in self._jobs[0].config["origin"]["overrides"] if key_named_by(word) not in varied]
        config = {**self._jobs[0].config, "origin": {**self._jobs[0].config["origin"], "overrides": shared}}
        common = run_name(config).rpartition(" seed ")[0]
        name = f"sweep of {', '.join(varied) or 'one job'}" + ("" if common == "default" else f": {common}")
        tags = {"sweep": self._folder.name, "folder": str(self._folder)}
        tracker.start(RunHead(name=name[:200], params={}, tags=tags, began=time.time()), self._journal.run)
        tracker.settle()
        if tracker.run_id is not None:
            self._journal.append("mlflow", {"run_id": tracker.run_id, "uri": tracker.uri})

    def end(self, states: Mapping[int, str], table: Path) -> None:
        """End the sweep's run, and say where its jobs are compared. states: how each job ended, by its number."""
        if self._parent is None:
            return
        completed = sum(state == "completed" for state in states.values())
        over = all(state in ("completed", "stopped", "pruned") for state in states.values())
        interrupted = any(state in ("interrupted", "not begun") for state in states.values())
        self._parent.finish(
            RunEnd(
                status="FINISHED" if over else "KILLED" if interrupted else "FAILED",
                tags={NOTE: self._note(states)},
                metrics={"jobs": len(self._jobs), "jobs_completed": completed},
                step=len(states),
                ended=time.time(),
                files=[(table, "")],
            )
        )
        self._parent.settle()
        page = self._parent.page()
        if page is not None:
            found = [summary_of(job.folder).get("mlflow_run_id") for job in self._jobs]
            ids = [str(run_id) for run_id in found if run_id is not None]
            compared = self._parent.compare_page(ids) if 2 <= len(ids) <= _MAX_COMPARED else page
            self._say(f"MLflow, all jobs beside each other: {compared}")

    def _note(self, states: Mapping[int, str]) -> str:
        """Return the table of the jobs in Markdown."""
        keys = list(dict.fromkeys(key for job in self._jobs for key in job.differs))
        lines = ["| " + " | ".join(["job", *keys, "test accuracy", "state"]) + " |"]
        lines.append("|" + "---|" * (len(keys) + 3))
        for job in self._jobs:
            accuracy = summary_of(job.folder).get("test_accuracy")
            cells: list[Any] = [job.number, *(job.differs.get(key, "") for key in keys)]
            cells += ["" if accuracy is None else f"{accuracy:.4f}", states.get(job.number, "")]
            lines.append("| " + " | ".join(map(str, cells)) + " |")
        return "\n".join(lines)
