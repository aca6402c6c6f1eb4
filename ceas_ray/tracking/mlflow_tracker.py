"""MLflow: runs beside each other in its UI. With `logged_model` the only module that imports it.

The journal is what counts: an unreachable server costs a warning, never a run nor a value.
"""

from __future__ import annotations

import json
import logging
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ceas_ray.tracking.database_uri import sqlite_file, sqlite_uri
from ceas_ray.tracking.locks import exclusive
from ceas_ray.tracking.logged_model import log_model
from ceas_ray.tracking.tracked_run import RunEnd, RunHead, TrackedRound, UsedData
from ceas_ray.tracking.tracking_uri import checked_tracking_uri

METRICS_PER_CALL = 900
LOCAL_UI = "http://127.0.0.1:5000"
"""Where `ceas-ui` serves a database on this machine."""
DATABASE, _ARTIFACTS = "mlflow.db", "mlflow_artifacts"
_OPENS_AT_RUNS = {"mlflow.experimentKind": "custom_model_development"}
"""The tag of an experiment by which the UI opens it at its table of runs, not at what it has for language models."""
_IN_EVERY_ROUND = "round/utilization"
"""A metric that every round has: where it is, the round is."""
_QUIET = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
}


def _milliseconds(seconds: float) -> int:
    """Return a time as MLflow has it; now if none is known."""
    return int((seconds or time.time()) * 1000)


def _is_ours(location: str) -> bool:
    """Return whether an experiment's artifacts lie where this module puts them, beside a database."""
    return location.startswith("file:///") and location.endswith(f"/{_ARTIFACTS}")


class MlflowTracker:
    """One MLflow run. Every method returns whatever happens; the first failure is told to `warn`, then it is off."""

    def __init__(self, uri: str | None, folder: Path, experiment: str, warn: Callable[[str], None]) -> None:
        """uri None: SQLite in `folder` (mlflow.db). An SQLite database is created under a lock before any run writes,
        and its artifacts are kept beside it, also when both have been moved. Raises ValueError for a bad URI."""
        for name, value in _QUIET.items():
            os.environ.setdefault(name, value)
        self._experiment, self._warn = experiment, warn
        self.uri = sqlite_uri(folder / DATABASE) if uri is None else checked_tracking_uri(uri)
        self._database = sqlite_file(self.uri)
        self.run_id: str | None = None
        self._client: Any = None
        self._present: frozenset[int] = frozenset()
        self._off = False

    def start(self, head: RunHead, run_id: str | None = None) -> None:
        """Begin the run. run_id: that of an MLflow run to take; None: a new one."""
        self._try(lambda: self._start(head, run_id))

    def _start(self, head: RunHead, run_id: str | None) -> None:
        from mlflow import MlflowClient
        from mlflow.entities import Param, RunTag

        for chatty in ("alembic", "mlflow", "mlflow.store.db.utils"):
            logging.getLogger(chatty).setLevel(logging.ERROR)

        with self._creating():
            self._client = MlflowClient(self.uri)
            self._keep_artifacts_beside()
            experiment = self._experiment_id() if run_id is None else ""
        if run_id is None:
            run = self._client.create_run(
                experiment, start_time=_milliseconds(head.began), tags=dict(head.tags), run_name=head.name
            )
            run_id = str(run.info.run_id)
        else:
            self._client.update_run(run_id, status="RUNNING")
        self.run_id = run_id
        entries = [Param(key, value) for key, value in head.params.items()]
        for start in range(0, len(entries), 100):
            self._client.log_batch(self.run_id, params=entries[start : start + 100])
        self._client.log_batch(self.run_id, tags=[RunTag(key, value) for key, value in head.tags.items()])
        if head.data is not None:
            self._log_data(head.data)

    def _log_data(self, data: UsedData) -> None:
        """Show the data set among the inputs of the run."""
        from mlflow.entities import Dataset, DatasetInput, InputTag

        source = json.dumps({"uri": data.source})
        dataset = Dataset(data.name, data.digest, "local", source, profile=json.dumps(dict(data.profile)))
        tags = [InputTag("mlflow.data.context", "training")]
        self._client.log_inputs(self.run_id, datasets=[DatasetInput(dataset, tags)])

    def _experiment_id(self) -> str:
        """The id of the experiment, which is made if there is none of its name."""
        found = self._client.get_experiment_by_name(self._experiment)
        if found is not None:
            return str(found.experiment_id)
        where = None if self._database is None else self._artifacts.as_uri()
        return str(self._client.create_experiment(self._experiment, artifact_location=where, tags=_OPENS_AT_RUNS))

    @contextmanager
    def _creating(self) -> Iterator[None]:
        """Alone with the database, if it is a file: processes that create it at once all crash."""
        if self._database is None:
            yield
            return
        self._database.parent.mkdir(parents=True, exist_ok=True)
        with exclusive(self._database.with_name(".mlflow.lock"), self._warn):
            yield

    @property
    def _artifacts(self) -> Path:
        assert self._database is not None, "a server keeps its artifacts itself"
        return self._database.parent / _ARTIFACTS

    def _keep_artifacts_beside(self) -> None:
        """Correct the paths of artifacts if the database was moved with them: MLflow notes absolute paths, and would
        go on writing to the old ones. Artifacts of runs that did not come along stay where they are."""
        if self._database is None:
            return
        from sqlalchemy import create_engine, text

        engine, here = create_engine(self.uri), self._artifacts.as_uri()
        with engine.begin() as connection:
            places = connection.execute(text("select distinct artifact_location from experiments")).scalars().all()
            for there in places:
                if there is None or there == here or not _is_ours(there):
                    continue
                update = text("update experiments set artifact_location = :here where artifact_location = :there")
                connection.execute(update, {"here": here, "there": there})
                runs = connection.execute(text("select run_uuid, artifact_uri from runs")).all()
                for run_id, uri in runs:
                    if str(uri).startswith(f"{there}/") and (self._artifacts / run_id).is_dir():
                        moved = {"uri": here + uri.removeprefix(there), "run_id": run_id}
                        connection.execute(text("update runs set artifact_uri = :uri where run_uuid = :run_id"), moved)
                models = connection.execute(text("select model_id, artifact_location from logged_models")).all()
                for model_id, uri in models:
                    if str(uri).startswith(f"{there}/") and (self._artifacts / "models" / model_id).is_dir():
                        moved = {"uri": here + uri.removeprefix(there), "model_id": model_id}
                        update = text("update logged_models set artifact_location = :uri where model_id = :model_id")
                        connection.execute(update, moved)
        engine.dispose()

    def holds(self, run_id: str) -> bool:
        """Return whether the database, if it is a file, has this run: it may have been moved since the run began."""
        if self._database is None or not self._database.exists():
            return False
        from sqlalchemy import create_engine, text
        from sqlalchemy.exc import SQLAlchemyError

        engine = create_engine(self.uri)
        try:
            with engine.connect() as connection:
                query = text("select count(*) from runs where run_uuid = :run_id")
                return connection.execute(query, {"run_id": run_id}).scalar_one() == 1
        except SQLAlchemyError:
            return False
        finally:
            engine.dispose()

    def go_on(self, run_id: str) -> None:
        """Go on with a run; rounds that it has already are not sent again."""

        def find() -> None:
            from mlflow import MlflowClient

            with self._creating():
                self._client = MlflowClient(self.uri)
                self._keep_artifacts_beside()
            history = self._client.get_metric_history(run_id, _IN_EVERY_ROUND)
            self._present = frozenset(metric.step for metric in history)
            self._client.update_run(run_id, status="RUNNING")

        self.run_id = run_id
        self._try(find)

    @property
    def failed(self) -> bool:
        """Return whether something could not be sent."""
        return self._off

    def log_rounds(self, rounds: Sequence[TrackedRound]) -> None:
        """Metrics of several rounds, in batches."""

        def log() -> None:
            missing = [one for one in rounds if one.step not in self._present]
            self._log_metrics([(one.metrics, one.ended, one.step) for one in missing])

        if rounds:
            self._try(log)

    def _log_metrics(self, entries: Sequence[tuple[Mapping[str, float], float, int]]) -> None:
        """Send metrics, each with its time and step."""
        from mlflow.entities import Metric

        metrics = [
            Metric(name, value, _milliseconds(at), step)
            for values, at, step in entries
            for name, value in values.items()
        ]
        for start in range(0, len(metrics), METRICS_PER_CALL):
            self._client.log_batch(self.run_id, metrics=metrics[start : start + METRICS_PER_CALL])

    def finish(self, end: RunEnd) -> None:
        """End the run."""

        def finish() -> None:
            self._log_metrics([(end.metrics, end.ended, end.step)])
            for key, value in end.tags.items():
                self._client.set_tag(self.run_id, key, value)
            for path, place in end.files:
                self._client.log_artifact(self.run_id, str(path), place or None)
            if end.model is not None:
                log_model(self._client, str(self.run_id), end.model, end.step)
            self._client.set_terminated(self.run_id, end.status, _milliseconds(end.ended))

        self._try(finish)

    def page(self) -> str | None:
        """Return the address of the run's page, None if there is none: of a database, once `ceas-ui` serves it."""
        pages: list[str] = []

        def find() -> None:
            experiment = self._client.get_run(self.run_id).info.experiment_id
            server = self.uri.rstrip("/") if self.uri.startswith("http") else LOCAL_UI
            pages.append(f"{server}/#/experiments/{experiment}/runs/{self.run_id}")

        if self.run_id is not None:
            self._try(find)
        return pages[0] if pages else None

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
