"""MLflow: runs beside each other in its UI. The only module that imports it.

The journal is what counts: an unreachable server costs a warning, never a run nor a value.
"""

from __future__ import annotations

import fcntl
import logging
import os
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

METRICS_PER_CALL = 900
_SQLITE = "sqlite:///"
_IN_EVERY_ROUND = "utilization"
"""A metric that every round has: where it is, the round is."""
_QUIET = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
}


class MlflowTracker:
    """One MLflow run. Every method returns whatever happens; the first failure is told to `warn`, then it is off."""

    def __init__(self, uri: str | None, folder: Path, experiment: str, warn: Callable[[str], None]) -> None:
        """uri None: SQLite in `folder` (mlflow.db). An SQLite database is created under a lock before any run writes,
        and its artifacts are kept beside it."""
        os.environ.update(_QUIET)
        self._experiment, self._warn = experiment, warn
        self.uri = uri if uri is not None else f"{_SQLITE}{folder.resolve() / 'mlflow.db'}"
        self._local = self.uri.startswith(_SQLITE)
        self._folder = Path(self.uri.removeprefix(_SQLITE)).resolve().parent if self._local else folder.resolve()
        self.run_id: str | None = None
        self._client: Any = None
        self._present: frozenset[int] = frozenset()
        self._off = False

    def start(self, name: str, params: Mapping[str, Any], tags: Mapping[str, str]) -> None:
        """Begin the run with its settings as params."""
        self._try(lambda: self._start(name, params, tags))

    def _start(self, name: str, params: Mapping[str, Any], tags: Mapping[str, str]) -> None:
        from mlflow import MlflowClient
        from mlflow.entities import Param, RunTag

        for chatty in ("alembic", "mlflow", "mlflow.store.db.utils"):
            logging.getLogger(chatty).setLevel(logging.ERROR)

        self._folder.mkdir(parents=True, exist_ok=True)
        with (self._folder / ".mlflow.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # processes that create the database at once all crash
            self._client = MlflowClient(self.uri)
            found = self._client.get_experiment_by_name(self._experiment)
            if found is None:
                where = (self._folder / "mlflow_artifacts").as_uri() if self._local else None
                experiment = self._client.create_experiment(self._experiment, artifact_location=where)
            else:
                experiment = found.experiment_id
        run = self._client.create_run(experiment, run_name=name, tags=dict(tags))
        self.run_id = run.info.run_id
        entries = [Param(key, str(value)[:6000]) for key, value in params.items()]
        for start in range(0, len(entries), 100):
            self._client.log_batch(self.run_id, params=entries[start : start + 100])
        self._client.log_batch(self.run_id, tags=[RunTag(key, value) for key, value in tags.items()])

    def go_on(self, run_id: str) -> None:
        """Go on with a run; rounds that it has already are not sent again."""

        def find() -> None:
            from mlflow import MlflowClient

            self._client = MlflowClient(self.uri)
            history = self._client.get_metric_history(run_id, _IN_EVERY_ROUND)
            self._present = frozenset(metric.step for metric in history)
            self._client.set_terminated(run_id, "RUNNING")

        self.run_id = run_id
        self._try(find)

    @property
    def failed(self) -> bool:
        """Whether something could not be sent."""
        return self._off

    def log_rounds(self, rounds: Sequence[tuple[int, Mapping[str, float]]]) -> None:
        """Metrics of several rounds, in batches."""

        def log() -> None:
            from mlflow.entities import Metric

            now = int(time.time() * 1000)
            missing = [(step, values) for step, values in rounds if step not in self._present]
            metrics = [Metric(name, value, now, step) for step, values in missing for name, value in values.items()]
            for start in range(0, len(metrics), METRICS_PER_CALL):
                self._client.log_batch(self.run_id, metrics=metrics[start : start + METRICS_PER_CALL])

        if rounds:
            self._try(log)

    def finish(self, status: str, tags: Mapping[str, str], artifacts: Sequence[Path]) -> None:
        """End the run: FINISHED, FAILED or KILLED; artifacts are files of the run folder."""

        def end() -> None:
            for key, value in tags.items():
                self._client.set_tag(self.run_id, key, value)
            for path in artifacts:
                self._client.log_artifact(self.run_id, str(path))
            self._client.set_terminated(self.run_id, status)

        self._try(end)

    def _try(self, call: Callable[[], None]) -> None:
        if self._off:
            return
        try:
            call()
        except Exception as error:
            line = " ".join(str(error).split())[:200]
            self._warn(
                f"MLflow at {self.uri} failed, the run goes on without it (ceas-sync sends what is missing): {line}"
            )
            self._off = True
