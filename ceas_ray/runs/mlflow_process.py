"""A run's side of the process that sends it to MLflow.

MLflow takes seconds to import, and what it computes would be at the cost of the simulation. It therefore works in a
process of its own, at a lower priority, for which a run waits at its end alone.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from math import inf
from pathlib import Path
from typing import Any, NamedTuple

from ceas_ray.config.schema import RunSettings, TrackingSettings
from ceas_ray.runs.confirmed_places import is_here
from ceas_ray.runs.tracking_choice import default_store
from ceas_ray.runtime.child_process import start_child
from ceas_ray.runtime.process_end import interrupted_while_ending
from ceas_ray.tracking.sending import Sending
from ceas_ray.tracking.tracking_uri import DATABASE

_PROGRAM = (
    "import os; os.nice(5); sys.path[:] = connection.recv(); "
    "from ceas_ray.runs.mlflow_served import serve; serve(connection)"
)
_START_SECONDS, _DATABASE_SECONDS, _INTERRUPTED_SECONDS = 60.0, 120.0, 2.0
"""How long the end of a run waits at most for the process to start, for a database of this machine, and for all that
where the run was interrupted."""
_SHARE, _LEAST_SECONDS, _FIRST_SECONDS = 0.05, 1.0, 10.0
"""How long the end of a run waits for a server: for this share of the run's time and at least for the second number,
or until the third has passed since the run began."""
_SILENT_SECONDS = 2.0
"""How long a server may be silent then, if that share is less."""
_KILL_SECONDS = 5.0
_FIRST_CALLS = 2
"""The start of the process, and that of the MLflow run."""


class Sent(NamedTuple):
    """What is known of a run in MLflow at `uri`. failed: whether something could not be sent."""

    uri: str
    run_id: str | None = None
    page: str | None = None
    failed: bool = False


class MlflowProcess:
    """A process that sends a run. Its methods return at once, but for `begun`, `settle` and `end`.

    The process ends with this one, however that ends.
    """

    def __init__(self, folder: Path, choice: TrackingSettings) -> None:
        """folder: of the run."""
        self.sent = Sent(choice.uri or str(default_store() / DATABASE))
        self._is_here = is_here(choice.uri)
        self._sending = Sending(self.sent.uri, lambda line: print(line, file=sys.stderr))
        self._began, self._is_ready = time.monotonic(), threading.Event()
        self._until: float | None = None
        self._silence = inf
        self._known_run: str | None = None
        self._connection, self._process = start_child(_PROGRAM)
        place = (str(folder), choice.uri, choice.experiment_name)
        self._sending.ask_for(lambda: self._open(list(sys.path), place))

    @property
    def run_id(self) -> str | None:
        """The MLflow run, once it is known."""
        return self.sent.run_id or self._known_run

    def say_with(self, say: Callable[[str], None]) -> None:
        """Let this take lines for the console."""
        self._sending.warn = say

    def start(self, config: Mapping[str, Any], started: Mapping[str, Any], run: str | None, run_id: str | None) -> None:
        """Begin the MLflow run. started: the first line of the journal. run, run_id: see `MlflowTracker`."""
        self._ask("start", config, started, run, run_id)

    def go_on(self, run_id: str) -> None:
        """Go on with an MLflow run."""
        self._known_run = run_id
        self._ask("go_on", run_id)

    def log_rounds(self, lines: Sequence[Mapping[str, Any]]) -> None:
        """Send rounds, which have these lines in the journal."""
        self._ask("log_rounds", list(lines))

    def finish(self, config: Mapping[str, Any], summary: Mapping[str, Any], ended: float) -> None:
        """End the MLflow run, which gets the files of the run too. ended: when the run did."""
        self._ask("finish", config, summary, ended)

    def fail(self, ended: float) -> None:
        """End the MLflow run of one whose folder is lost."""
        self._ask("fail", ended)

    def begun(self, interrupted: bool) -> None:
        """Wait until MLflow has the run, as long as the end of the run may wait; then give up."""
        self._wait(interrupted, first=_FIRST_CALLS)

    def settle(self, interrupted: bool) -> None:
        """Wait until MLflow has everything, as long as the end of the run may wait; then give up."""
        self._wait(interrupted, first=None)

    def end(self) -> None:
        """End the process. An interrupt waits until it has ended."""
        self._sending.leave()
        self._process.kill()
        if interrupted_while_ending(self._process):
            raise KeyboardInterrupt

    def _wait(self, interrupted: bool, first: int | None) -> None:
        """Wait; both waits of the end of a run are one, and the start of the process is not at the server's cost."""
        if self._until is None:
            ran = time.monotonic() - self._began
            self._is_ready.wait(_INTERRUPTED_SECONDS if interrupted else _START_SECONDS)
            self._until = time.monotonic() + self._patience(interrupted, ran)
            self._silence = inf if self._is_here else max(_SILENT_SECONDS, _SHARE * ran)
        elif interrupted:  # since the first wait
            self._until = min(self._until, time.monotonic() + _INTERRUPTED_SECONDS)
        self._sending.wait(max(self._until - time.monotonic(), 0.0), self._silence, first)

    def _patience(self, interrupted: bool, ran: float) -> float:
        if interrupted:
            return _INTERRUPTED_SECONDS
        return _DATABASE_SECONDS if self._is_here else max(_SHARE * ran, _LEAST_SECONDS, _FIRST_SECONDS - ran)

    def _open(self, path: list[str], place: tuple[str, str | None, str]) -> None:
        try:
            self._send(path)
            self._call("open", *place)
        finally:
            self._is_ready.set()

    def _ask(self, method: str, *arguments: Any) -> None:
        self._sending.ask_for(lambda: self._call(method, *arguments))

    def _call(self, method: str, *arguments: Any) -> None:
        """Call a method of `Service` in the process, and take what it says meanwhile."""
        self._send((method, arguments))
        try:
            while (answer := self._connection.recv())[0] != "returned":
                self._take(*answer)
        except (EOFError, ConnectionError):
            raise ConnectionError(self._cause()) from None
        self.sent = answer[1]
        self._sending.uri = self.sent.uri
        if self.sent.failed:
            self._sending.leave()

    def _take(self, kind: str, line: str) -> None:
        if kind == "answered":
            self._sending.answered()
        elif not self._sending.failed:
            self._sending.warn(line)

    def _send(self, content: Any) -> None:
        try:
            self._connection.send(content)
        except ConnectionError:
            raise ConnectionError(self._cause()) from None

    def _cause(self) -> str:
        """Return why the process has ended."""
        try:
            code = self._process.wait(_KILL_SECONDS)
        except subprocess.TimeoutExpired:
            return "the process that sends it does not answer"
        how = f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
        return f"the process that sends it {how}"


@contextmanager
def sending(settings: RunSettings, folder: Path, tracked: bool) -> Iterator[MlflowProcess | None]:
    """Yield the process that sends the run in `folder`, which gets ready meanwhile; None where settings do not choose
    MLflow, or where the run is not tracked from here."""
    if not (tracked and settings.tracking.mlflow):
        yield None
        return
    process = MlflowProcess(folder, settings.tracking)
    try:
        yield process
    finally:
        process.end()
