"""MLflow: runs beside each other in its UI. With `logged_model` the only module that imports it.

The journal is what counts: an unreachable server costs a warning, never a run nor a value.
"""

from __future__ import annotations

import json
import logging
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from math import inf
from pathlib import Path
from typing import Any

from ceas_ray.tracking.artifact_places import require_within
from ceas_ray.tracking.database_uri import require_database, sqlite_file, sqlite_uri
from ceas_ray.tracking.locks import exclusive
from ceas_ray.tracking.logged_model import LoggedModel
from ceas_ray.tracking.mlflow_pages import EXPERIMENT_TAGS, compare_page, run_page
from ceas_ray.tracking.plain_files import require_plain
from ceas_ray.tracking.sending import Sending
from ceas_ray.tracking.tracked_run import RunEnd, RunHead, TrackedRound, UsedData
from ceas_ray.tracking.tracking_uri import DATABASE, NO_TELEMETRY, UI_HOST, UI_PORT, checked_tracking_uri

METRICS_PER_CALL, _PARAMS_PER_CALL = 900, 100
_SERVER_SECONDS, _DATABASE_SECONDS = 10.0, 120.0
"""How long a server that answers, and a database on this machine, may hold up a run at its end."""
LOCAL_UI = f"http://{UI_HOST}:{UI_PORT}"
_ARTIFACTS = "mlflow_artifacts"
_IDENTITY = "ceas_ray.run"
"""The tag that names the run in its journal."""
_QUIET = {
    **NO_TELEMETRY,
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
}


def _milliseconds(seconds: float) -> int:
    """Return a time as MLflow has it; now if none is known."""
    return int((seconds or time.time()) * 1000)


@dataclass
class Content:
    """What MLflow has of a run.

    data: names of data sets, by their digests. latest: step and value of the latest point of each metric, by its name.
    history: those of all its points, for metrics that were asked for: each is a call.
    """

    status: str = "RUNNING"
    params: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    data: dict[str, str] = field(default_factory=dict)
    latest: dict[str, tuple[int, float]] = field(default_factory=dict)
    history: dict[str, set[tuple[int, float]]] = field(default_factory=dict)


def _is_ours(location: str) -> bool:
    """Return whether an experiment's artifacts lie where this module puts them, beside a database."""
    return location.startswith("file:///") and location.endswith(f"/{_ARTIFACTS}")


class MlflowTracker:
    """One MLflow run. MLflow gets what it lacks of it, each value once, however often that is sent.

    Every method returns at once: the sending is done in a thread of its own, which `settle` waits for. The first
    failure is told to `warn`, then nothing more is sent.
    """

    def __init__(
        self, uri: str | None, folder: Path, experiment: str, warn: Callable[[str], None],
        *, heard: Callable[[], None] = lambda: None, files_within: Path | None = None,
    ) -> None:  # fmt: skip
        """uri None: SQLite in `folder` (mlflow.db). An SQLite database is created under a lock before any run writes,
        and its artifacts are kept beside it, also when both have been moved. heard: called for every answer of MLflow.
        files_within: the folder in which MLflow may be told to keep files; None: anywhere.

        Raises ValueError for a bad URI.
        """
        for name, value in _QUIET.items():
            os.environ.setdefault(name, value)
        import mlflow  # here, because a second thread that imports as well may meet modules that are half made

        self._connect = mlflow.MlflowClient
        self._experiment, self._warn, self._files_within = experiment, warn, files_within
        self.uri = sqlite_uri(folder / DATABASE) if uri is None else checked_tracking_uri(uri)
        self._database = sqlite_file(self.uri)
        self.run_id: str | None = None
        self._client: Any = None
        self._experiment_of_run: str | None = None
        self._there = Content()
        self._sending = Sending(self.uri, warn, heard)

    def start(self, head: RunHead, run: str | None = None, run_id: str | None = None) -> None:
        """Begin the run.

        run: its identity, by which it is found where an earlier attempt has made it; None for one that has none.
        run_id: that of an MLflow run to take; None: a new one.
        """
        tags = dict(head.tags) | ({} if run is None else {_IDENTITY: run})
        self._sending.ask_for(lambda: self._start(head, tags, run, run_id))

    def _start(self, head: RunHead, tags: dict[str, str], run: str | None, run_id: str | None) -> None:
        experiment = self._opened(with_experiment=run_id is None)
        found = run_id or self._found(experiment, run)
        if found is None:
            began = _milliseconds(head.began)
            made = self._client.create_run(experiment, start_time=began, tags=tags, run_name=head.name)
            found = self._found(experiment, run) or made.info.run_id
        self.run_id = str(found)
        self._begin_again()
        self._send_params(head.params)
        self._send_tags(tags)
        if head.data is not None and head.data.digest not in self._there.data:
            self._log_data(head.data)

    def _opened(self, with_experiment: bool) -> str:
        """Connect; return the id of the experiment, which is made if there is none, or an empty text."""
        for chatty in ("alembic", "mlflow", "mlflow.store.db.utils"):
            logging.getLogger(chatty).setLevel(logging.ERROR)
        with self._creating():
            require_database(self.uri)
            self._client = self._connect(self.uri)
            self._keep_artifacts_beside()
            return self._experiment_id() if with_experiment else ""

    def _found(self, experiment: str, run: str | None) -> str | None:
        """Return the first MLflow run of this identity, and delete others: a request that was sent twice, or whose
        answer was lost, may have made them."""
        if run is None:
            return None
        runs = self._client.search_runs([experiment], f"tags.`{_IDENTITY}` = '{run}'")
        first, *others = sorted(found.info.run_id for found in runs) or [None]
        for other in others:
            self._client.delete_run(other)
        return first

    def _begin_again(self) -> None:
        """Note what MLflow has of the run, and that it goes on."""
        self._there = self._content()
        if self._there.status != "RUNNING":
            self._client.update_run(self.run_id, status="RUNNING")

    def _content(self) -> Content:
        run = self._client.get_run(self.run_id)
        self._experiment_of_run = str(run.info.experiment_id)
        if self._files_within is not None:
            experiment = self._client.get_experiment(run.info.experiment_id)
            require_within((run.info.artifact_uri, experiment.artifact_location), self._files_within)
        data = {used.dataset.digest: used.dataset.name for used in run.inputs.dataset_inputs}
        latest = {point.key: (point.step, point.value) for point in run.data.to_proto().metrics}
        return Content(run.info.status, dict(run.data.params), dict(run.data.tags), data, latest)

    def _has(self, name: str, point: tuple[int, float]) -> bool:
        """Return whether MLflow has this step and value of a metric."""
        there = self._there
        if name not in there.latest or there.latest[name] == point:
            return name in there.latest
        if name not in there.history:
            points = self._client.get_metric_history(self.run_id, name)
            there.history[name] = {(one.step, one.value) for one in points}
            self._sending.answered()
        return point in there.history[name]

    def _send_params(self, params: Mapping[str, str]) -> None:
        from mlflow.entities import Param

        there = self._there.params
        entries = [Param(key, value) for key, value in params.items() if key not in there]
        for start in range(0, len(entries), _PARAMS_PER_CALL):
            self._client.log_batch(self.run_id, params=entries[start : start + _PARAMS_PER_CALL])
            self._sending.answered()
        other = [key for key in params if key in there and there[key] != params[key]]
        if other:
            self._warn(f"MLflow at {self.uri} keeps other params than this run has: {', '.join(other)[:200]}")
        there |= params

    def _send_tags(self, tags: Mapping[str, str]) -> None:
        from mlflow.entities import RunTag

        missing = {key: value for key, value in tags.items() if self._there.tags.get(key) != value}
        if missing:
            self._client.log_batch(self.run_id, tags=[RunTag(key, value) for key, value in missing.items()])
        self._there.tags |= missing

    def _log_data(self, data: UsedData) -> None:
        """Show the data set among the inputs of the run."""
        from mlflow.entities import Dataset, DatasetInput, InputTag

        source = json.dumps({"uri": data.source})
        dataset = Dataset(data.name, data.digest, "local", source, profile=json.dumps(dict(data.profile)))
        tags = [InputTag("mlflow.data.context", "training")]
        self._client.log_inputs(self.run_id, datasets=[DatasetInput(dataset, tags)])
        self._there.data[data.digest] = data.name

    def _experiment_id(self) -> str:
        """Return the id of the experiment, which is made if there is none of its name."""
        found = self._client.get_experiment_by_name(self._experiment)
        if found is not None:
            return str(found.experiment_id)
        where = None if self._database is None else self._artifacts.as_uri()
        return str(self._client.create_experiment(self._experiment, artifact_location=where, tags=EXPERIMENT_TAGS))

    @contextmanager
    def _creating(self) -> Iterator[None]:
        """Hold the database alone, if it is a file: processes that create it at once all crash."""
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
        """Go on with a run."""

        def find() -> None:
            self._opened(with_experiment=False)
            self._begin_again()

        self.run_id = run_id
        self._sending.ask_for(find)

    @property
    def failed(self) -> bool:
        """Return whether something could not be sent."""
        return self._sending.failed

    def log_rounds(self, rounds: Sequence[TrackedRound]) -> None:
        """Log metrics of several rounds, in batches."""
        if rounds:
            self._sending.ask_for(lambda: self._send_metrics([(one.metrics, one.ended, one.step) for one in rounds]))

    def _send_metrics(self, entries: Sequence[tuple[Mapping[str, float], float, int]]) -> None:
        """Send what is missing of metrics, each with its time and step."""
        from mlflow.entities import Metric

        missing = [
            Metric(name, value, _milliseconds(at), step)
            for values, at, step in entries
            for name, value in values.items()
            if not self._has(name, (step, value))
        ]
        for start in range(0, len(missing), METRICS_PER_CALL):
            self._client.log_batch(self.run_id, metrics=missing[start : start + METRICS_PER_CALL])
            self._sending.answered()

    def finish(self, end: RunEnd) -> None:
        """End the run."""

        self._sending.ask_for(lambda: self._finish(end))

    def _finish(self, end: RunEnd) -> None:
        model = None
        if end.model is not None:
            model = LoggedModel(self._client, str(self.run_id), end.model)
            self._sending.answered()
            self._send_metrics_of_model(model, end)
        self._send_metrics([(end.metrics, end.ended, end.step)])
        self._send_tags(end.tags)
        self._client.set_terminated(self.run_id, end.status, _milliseconds(end.ended))
        self._sending.answered()
        self._send_artifacts(end.files)
        if model is not None:
            model.send(self._send_artifacts, end.ended, end.step)

    def _send_metrics_of_model(self, model: LoggedModel, end: RunEnd) -> None:
        """Send the metrics that the model lacks. MLflow keeps such a point once for the model, and once for its run."""
        from mlflow.entities import Metric

        assert end.model is not None, "its metrics are sent"
        digest, data = next(iter(self._there.data.items()), (None, None))
        missing = []
        for name, value in end.model.metrics.items():
            if not model.has(name, end.step, value):
                links = (model.model_id, data, digest) if name in end.model.on_data else (model.model_id,)
                missing.append(Metric(name, value, self._time_of(name, (end.step, value), end.ended), end.step, *links))
        if missing:
            self._client.log_batch(self.run_id, metrics=missing)
            self._there.latest |= {point.key: (point.step, point.value) for point in missing}
            self._sending.answered()

    def _time_of(self, name: str, point: tuple[int, float], ended: float) -> int:
        """Return when MLflow says that the run had this step and value of a metric; `ended` if it does not have it."""
        if not self._has(name, point):
            return _milliseconds(ended)
        points = self._client.get_metric_history(self.run_id, name)
        return int(next(one.timestamp for one in points if (one.step, one.value) == point))

    def _send_artifacts(self, files: Sequence[tuple[Path, str]]) -> None:
        places = {place for _, place in files}
        there = {
            file.path: file.file_size
            for place in places
            for file in self._client.list_artifacts(self.run_id, place or None)
        }
        for path, place in files:
            require_plain(path)
            name = f"{place}/{path.name}" if place else path.name
            if there.get(name) != path.stat().st_size or self._artifact(name) != path.read_bytes():
                self._client.log_artifact(self.run_id, str(path), place or None)
            self._sending.answered()

    def _artifact(self, name: str) -> bytes:
        """Return what MLflow has in a file of the run."""
        with tempfile.TemporaryDirectory(prefix="ceas_mlflow_") as place:
            return Path(self._client.download_artifacts(self.run_id, name, place)).read_bytes()

    def page(self) -> str | None:
        """Return the address of the run's page, None if it has none yet: of a database, once `ceas-ui` serves it."""
        if self.run_id is None or self._experiment_of_run is None:
            return None
        return run_page(self._server(), self._experiment_of_run, self.run_id)

    def compare_page(self, run_ids: Sequence[str]) -> str:
        """Return the address of the page that shows runs of this one's experiment beside each other."""
        return compare_page(self._server(), str(self._experiment_of_run), run_ids)

    def _server(self) -> str:
        return self.uri.rstrip("/") if self._database is None else LOCAL_UI

    def settle(self, seconds: float | None = None, silence: float = inf) -> None:
        """Wait until all is sent, this long at most; then it is given up, which is told to `warn`.

        seconds: None for the longest that MLflow may hold up a run at its end, in which a database may be silent.
        silence: how long without an answer.
        """
        if seconds is None and self._database is None:
            seconds = _SERVER_SECONDS
        elif seconds is None:
            seconds, silence = _DATABASE_SECONDS, inf
        self._sending.wait(seconds, silence)
