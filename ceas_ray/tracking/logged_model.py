"""A trained model among MLflow's models: loaded by `mlflow.pyfunc.load_model`, without pickled objects."""

from __future__ import annotations

import platform
import shutil
import tempfile
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from hashlib import blake2b
from importlib.metadata import version
from pathlib import Path
from typing import Any

import yaml

from ceas_ray.tracking import mlflow_model
from ceas_ray.tracking.mlflow_pages import NOTE
from ceas_ray.tracking.tracked_run import TrackedModel
from ceas_ray.training.trained_model import DESCRIPTION, PARAMETERS

MODEL_FOLDER = "model"
"""The artifacts of a run among which its model is too, so that `runs:/RUN_ID/model` loads it."""
_CONTENT = "model_digest"
_KIND = "quantum classifier"


class LoggedModel:
    """The model of an MLflow run, found or made there. MLflow gets what it lacks of it."""

    def __init__(self, client: Any, run_id: str, model: TrackedModel) -> None:
        """client: an `MlflowClient`."""
        self._client, self._model = client, model
        self._run = client.get_run(run_id)
        self._digest = _digest(model.folder)
        made = self._found()
        if made is None:
            made = client.create_logged_model(
                self._run.info.experiment_id, name=model.name, source_run_id=run_id, model_type=_KIND,
                tags={_CONTENT: self._digest}, params=dict(model.params),
            )  # fmt: skip
        self.model_id = str(made.model_id)
        self._is_whole = made.status == "READY"
        self._points = {(metric.key, metric.step, metric.value) for metric in made.metrics or ()}
        self._describe(made)

    def _found(self) -> Any:
        """Return the first of the run's models with this content, or None, and delete those that say the same once
        more: an attempt whose answers were lost may have made them, and may have left one that is not whole."""
        info = self._run.info
        made = self._client.search_logged_models([info.experiment_id], f"source_run_id = '{info.run_id}'")
        same = (model for model in made if model.tags.get(_CONTENT) == self._digest)
        first, *others = sorted(same, key=_age) or [None]
        for other in others:
            self._client.delete_logged_model(other.model_id)
        return first

    def _describe(self, made: Any) -> None:
        """Send the params that are missing, and what the page of the model says."""
        missing = {key: value for key, value in self._model.params.items() if key not in (made.params or {})}
        if missing:
            self._client.log_model_params(self.model_id, missing)
        loaded = f'`mlflow.pyfunc.load_model("models:/{self.model_id}")` loads it.'
        note = f"{self._model.note}\n\n{loaded}"
        if made.tags.get(NOTE) != note:
            self._client.set_logged_model_tags(self.model_id, {NOTE: note})

    def has(self, name: str, step: int, value: float) -> bool:
        """Return whether the model has this point of a metric."""
        return (name, step, value) in self._points

    def send(self, send_files: Callable[[Sequence[tuple[Path, str]]], None], ended: float, step: int) -> None:
        """Send the files, to the run too, and name the model as an output of the run.

        send_files: sends artifacts of the run, each with the folder that it is kept in. ended, step: when the run was
        over, and after which round.
        """
        from mlflow.entities import LoggedModelOutput

        with tempfile.TemporaryDirectory(prefix="ceas_model_") as place:
            saved = _saved(self._model.folder, Path(place), self._digest, ended)
            files = sorted(path for path in saved.rglob("*") if path.is_file())
            send_files([(path, path.parent.relative_to(place).as_posix()) for path in files])
            if not self._is_whole:
                self._client.log_model_artifacts(self.model_id, str(saved))
                self._client.finalize_logged_model(self.model_id, "READY")
        outputs = self._run.outputs.model_outputs if self._run.outputs is not None else []
        if all(output.model_id != self.model_id for output in outputs):
            self._client.log_outputs(self._run.info.run_id, [LoggedModelOutput(self.model_id, step)])


def _digest(folder: Path) -> str:
    digest = blake2b(digest_size=16)
    for name in (DESCRIPTION, PARAMETERS):
        digest.update((folder / name).read_bytes())
    return digest.hexdigest()


def _age(model: Any) -> tuple[int, str]:
    return model.creation_timestamp, model.model_id


def _saved(folder: Path, place: Path, digest: str, ended: float) -> Path:
    """Write the model in MLflow's format (https://mlflow.org/docs/latest/ml/model/); return where.

    Written here because `mlflow.pyfunc` takes seconds to import, and warns of itself. The same content each time:
    digest is that of the model, `ended` when its run was over.
    """
    saved = place / MODEL_FOLDER
    (saved / "data").mkdir(parents=True)
    for name in (DESCRIPTION, PARAMETERS):
        shutil.copy(folder / name, saved / "data")
    python = platform.python_version()
    flavor = {
        "loader_module": mlflow_model.__name__,
        "data": "data",
        "python_version": python,
        "env": {"virtualenv": "python_env.yaml"},
    }
    described = {
        "flavors": {"python_function": flavor},
        "mlflow_version": version("mlflow"),
        "model_uuid": digest,
        "utc_time_created": f"{datetime.fromtimestamp(ended, UTC):%Y-%m-%d %H:%M:%S.%f}",
    }
    environment = {"python": python, "dependencies": ["-r requirements.txt"]}
    (saved / "MLmodel").write_text(yaml.safe_dump(described), encoding="utf-8")
    (saved / "python_env.yaml").write_text(yaml.safe_dump(environment), encoding="utf-8")
    (saved / "requirements.txt").write_text(f"ceas-ray=={version('ceas-ray')}\n", encoding="utf-8")
    return saved
