"""The process that sends a run to MLflow: it does one thing after the other, and ends with the run's process."""

from __future__ import annotations

import importlib
import signal
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from math import inf
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from ceas_ray.kernel.signals import interrupts
from ceas_ray.runs.mlflow_content import end_of, head_of, round_of
from ceas_ray.runs.mlflow_copy import tracker_of
from ceas_ray.runs.mlflow_process import Sent
from ceas_ray.runtime.child_process import end_with_other_end
from ceas_ray.tracking.tracked_run import RunEnd

_NEEDED_AT_THE_END = ("ceas_ray.reports.report", "ceas_ray.reports.matplotlib_charts")
"""What takes long to import."""


class Service:
    """Sends one run. Every method returns once MLflow has what it was given, or once that has failed."""

    def __init__(self, say: Callable[[str], None], heard: Callable[[], None]) -> None:
        """say, heard: see `MlflowTracker`."""
        self._say, self._heard = say, heard

    def open(self, folder: str, uri: str | None, experiment: str) -> None:
        """Import MLflow."""
        self._folder = Path(folder)
        self._tracker = tracker_of(self._folder, uri, experiment, self._say, heard=self._heard)

    def start(self, config: Mapping[str, Any], started: Mapping[str, Any], run: str | None, run_id: str | None) -> None:
        """See `MlflowProcess`; so of the others."""
        self._tracker.start(head_of(config, self._folder, started), run, run_id)

    def go_on(self, run_id: str) -> None:
        self._tracker.go_on(run_id)

    def log_rounds(self, lines: Sequence[Mapping[str, Any]]) -> None:
        self._tracker.log_rounds([round_of(line) for line in lines])

    def finish(self, config: Mapping[str, Any], summary: Mapping[str, Any], ended: float) -> None:
        self._tracker.finish(end_of(config, self._folder, summary, ended))

    def fail(self, ended: float) -> None:
        self._tracker.finish(RunEnd(status="FAILED", tags={}, metrics={}, step=0, ended=ended))

    def sent(self) -> Sent:
        """Wait for MLflow; return what is known of the run there."""
        tracker = self._tracker
        tracker.settle(inf)
        return Sent(tracker.uri, tracker.run_id, tracker.page(), tracker.failed)


def serve(connection: Connection) -> None:
    """Serve the other end, until it closes. Signals are left to the run, whatever it makes of them."""
    signal.pthread_sigmask(signal.SIG_BLOCK, interrupts())
    end_with_other_end(connection, 0)
    service = Service(lambda line: connection.send(("said", line)), lambda: connection.send(("answered", "")))
    with suppress(EOFError, ConnectionError):
        while True:
            method, arguments = connection.recv()
            getattr(service, method)(*arguments)
            connection.send(("returned", service.sent()))
            if method in ("start", "go_on"):
                for module in _NEEDED_AT_THE_END:
                    importlib.import_module(module)
