"""The record of a run while it goes on: its journal, its timeline, its MLflow run, and lines on the console."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from hashlib import blake2b
from typing import Any

from ceas_ray.config.errors import UnusableSettings
from ceas_ray.config.schema import RunSettings
from ceas_ray.kernel.windows import RoundEnd
from ceas_ray.messages.observations import ForgeriesObserved
from ceas_ray.runs.confirmed_places import is_here
from ceas_ray.runs.folder import opened_journal, settings_text
from ceas_ray.runs.mlflow_content import how_to_open
from ceas_ray.runs.mlflow_process import MlflowProcess
from ceas_ray.tracking.console import RunProgress
from ceas_ray.tracking.files import PARTIAL, first_event, last_event, write_whole
from ceas_ray.tracking.locks import HeldLock
from ceas_ray.tracking.timeline import TimelineFile

_ROUNDS_PER_BATCH = 25
"""Rounds that are sent to MLflow at once."""


class RunRecord:
    """Writes into the folder of a run, and sends to MLflow what the folder holds."""

    def __init__(
        self,
        settings: RunSettings,
        config: Mapping[str, Any],
        lock: HeldLock,
        tracker: MlflowProcess | None = None,
        *,
        printed_warnings: Sequence[str] | None = None,
    ) -> None:
        """config: as `settings.yaml` holds it. lock: on the run folder. tracker: sends the run to MLflow; None leaves
        that to somebody else, whatever settings say. printed_warnings: those of a job, which its sweep has printed.

        Raises SettingsError for a folder whose journal is not a journal, or cannot be written.
        """
        folder = lock.folder
        self.config, self.folder, self._quiet, self._printed_warnings = config, folder, settings.quiet, printed_warnings
        for left in folder.glob(f"*{PARTIAL}"):
            with suppress(OSError):  # whatever it is, it is no file that a run began, and in nobody's way
                left.unlink()
        self.progress = RunProgress(settings.training.rounds, settings.quiet)
        self._journal = opened_journal(lock, "output" if settings.resume is None else "resume", self.progress.say)
        self._timeline = TimelineFile(folder / "timeline.json", self.progress.say) if settings.timeline else None
        self._tracker, self._tracking = tracker, settings.tracking
        if tracker is not None:
            tracker.say_with(self.progress.say)
        self._unsent: list[Mapping[str, Any]] = []
        self._noted_run: str | None = None

    @property
    def mlflow_run_id(self) -> str | None:
        """The MLflow run; None without one."""
        return None if self._tracker is None else self._tracker.run_id

    def note(self, event: str, values: Mapping[str, Any]) -> Mapping[str, Any]:
        """Append a line to the journal, and return it: it has the time (seconds since 1970, UTC)."""
        line = {"time": time.time(), **values}
        self._journal.append(event, line)
        return line

    def warn(self, find: Callable[[], Sequence[str]]) -> None:
        """Append the warnings of the run to the journal: those that its sweep has printed, or else those that `find`
        returns, which are printed here.
        """
        found = self._printed_warnings
        if found is None:
            found = find()
            for text in found:
                print(text, file=sys.stderr)
        for text in found:
            self.note("warning", {"text": text})

    def begin(self, started: Mapping[str, Any]) -> None:
        """Write the settings of a new run and its first line; start its MLflow run.

        Raises SettingsError, and leaves neither, where one of them cannot be written.
        """
        text, path = settings_text(self.config), self.folder / "settings.yaml"
        settings_hash = blake2b(text.encode(), digest_size=8).hexdigest()
        try:
            write_whole(path, text.encode(), 0o666 if is_here(self._tracking.uri) else 0o600)  # it may hold a password
            line = self.note("started", {"settings_hash": settings_hash, **started})
            self._journal.write()
        except OSError as error:
            self._journal.leave()
            path.unlink(missing_ok=True)
            raise UnusableSettings("output", f"a run cannot begin in {self.folder}: {error.strerror}") from None
        self._start_tracker(line)

    def go_on(self, journal: Sequence[Mapping[str, Any]]) -> None:
        """Go on with the MLflow run of a run that has this journal; all of its rounds are sent once more."""
        if self._tracker is None:
            return
        run_id = last_event(journal, "mlflow").get("run_id")
        if run_id is None:
            self._start_tracker(first_event(journal, "started"))
        else:
            self._noted_run = str(run_id)
            self._tracker.go_on(str(run_id))
        self._unsent = [line for line in journal if line["event"] == "round"]

    def _start_tracker(self, started: Mapping[str, Any]) -> None:
        if self._tracker is not None:
            self._tracker.start(self.config, started, self.run, self._tracking.run_id)

    def round(self, end: RoundEnd, line: Mapping[str, Any]) -> None:
        """Book a new round, and say who met with more forged tags than a hash key tolerates."""
        number = end.mark.round_index
        self._unsent.append(self.note("round", line))
        for observation in end.observations:
            forged = observation.payload
            if isinstance(forged, ForgeriesObserved):
                self.note("alarm", {"round": number, **asdict(forged)})
                self.progress.say(
                    f"alarm: {forged.receiver} refused {forged.failed_attempts} forged frames in the name of "
                    f"{forged.sender} under one hash key"
                )
        if self._timeline is not None:
            self._timeline.append(end)

    def send(self, at_least: int = _ROUNDS_PER_BATCH) -> None:
        """Send to MLflow the rounds that it lacks, once there are at least this many."""
        if len(self._unsent) < at_least:
            return
        if self._tracker is not None:
            self._tracker.log_rounds(self._unsent)
            self._note_mlflow_run()
        self._unsent = []

    def _note_mlflow_run(self) -> None:
        """Note in the journal which MLflow run this one has, once it has one."""
        run_id = self.mlflow_run_id
        if self._tracker is not None and run_id != self._noted_run:
            self._noted_run = run_id
            self.note("mlflow", {"run_id": run_id, "uri": self._tracker.sent.uri})

    def settle(self, status: str) -> None:
        """Send all rounds, and wait until it is known which MLflow run has them; where that takes too long, MLflow is
        given up."""
        if self._tracker is not None:
            self.send(at_least=0)
            self._tracker.begun(status == "interrupted")
            self._note_mlflow_run()

    @property
    def run(self) -> str | None:
        """The identity of the run, which every line of its journal has."""
        return self._journal.run

    def require_held(self) -> None:
        """Raise LockLost, which says why, if this process may not write to the folder any more."""
        self._journal.require_held()

    def leave(self) -> None:
        """End without another byte in a folder that is not this run's any more; its MLflow run is noted as failed."""
        self._journal.leave()
        if self._tracker is not None:
            self._tracker.fail(time.time())
            self._tracker.settle(interrupted=True)

    def close(self, summary: Mapping[str, Any], ended: float) -> None:
        """Close the files and let the MLflow run end, which gets them; say where its page is. ended: the run's end."""
        if self._timeline is not None:
            self._timeline.close()
        if self._tracker is not None:
            self._tracker.finish(self.config, summary, ended)
            sent = self._tracker.sent
            if sent.page is not None and not self._quiet:
                self.progress.say(how_to_open(sent.page, sent.uri))
        self._journal.close()

    def wait_for_mlflow(self, status: str) -> None:
        """Wait until MLflow has everything; where that takes too long, or if that is interrupted, it is given up."""
        if self._tracker is not None:
            with suppress(KeyboardInterrupt):
                self._tracker.settle(status == "interrupted")
