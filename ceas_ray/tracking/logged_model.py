"""A trained model among MLflow's models: loaded by `mlflow.pyfunc.load_model`, without pickled objects."""

from __future__ import annotations

import platform
import shutil
import tempfile
import uuid
from datetime import UTC, datetime
from hashlib import blake2b
from importlib.metadata import version
from pathlib import Path
from typing import Any

import yaml

from ceas_ray.tracking import mlflow_model
from ceas_ray.training.trained_model import DESCRIPTION, PARAMETERS

NAME = "model"
_CONTENT = "model_digest"


def log_model(client: Any, run_id: str, folder: Path, step: int) -> None:
    """Log the model in the run folder as an output of the MLflow run, unless it is there already.

    client: an `MlflowClient`. step: after which round.
    """
    from mlflow.entities import LoggedModelOutput

    digest = blake2b(digest_size=16)
    for name in (DESCRIPTION, PARAMETERS):
        digest.update((folder / name).read_bytes())
    run = client.get_run(run_id)
    model, others = _made(client, run, digest.hexdigest())
    for other in others:
        client.delete_logged_model(other.model_id)
    if model is None:
        tags = {_CONTENT: digest.hexdigest()}
        model = client.create_logged_model(run.info.experiment_id, name=NAME, source_run_id=run_id, tags=tags)
    if model.status != "READY":
        with tempfile.TemporaryDirectory(prefix="ceas_model_") as place:
            client.log_model_artifacts(model.model_id, str(_saved(folder, Path(place))))
        client.finalize_logged_model(model.model_id, "READY")
    outputs = run.outputs.model_outputs if run.outputs is not None else []
    if all(output.model_id != model.model_id for output in outputs):
        client.log_outputs(run_id, [LoggedModelOutput(model.model_id, step)])


def _made(client: Any, run: Any, digest: str) -> tuple[Any, list[Any]]:
    """Return the first of the run's models with this content, or None, and those that say the same once more.

    An attempt whose answers were lost may have made them, and may have left one that is not whole.
    """
    made = client.search_logged_models([run.info.experiment_id], f"source_run_id = '{run.info.run_id}'")
    same = sorted((model for model in made if model.tags.get(_CONTENT) == digest), key=_age)
    return (same[0], same[1:]) if same else (None, [])


def _age(model: Any) -> tuple[int, str]:
    return model.creation_timestamp, model.model_id


def _saved(folder: Path, place: Path) -> Path:
    """Write the model in MLflow's format (https://mlflow.org/docs/latest/ml/model/); return where.

    Written here because `mlflow.pyfunc` takes seconds to import, and warns of itself.
    """
    saved = place / "model"
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
        "model_uuid": uuid.uuid4().hex,
        "utc_time_created": f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S.%f}",
    }
    environment = {"python": python, "dependencies": ["-r requirements.txt"]}
    (saved / "MLmodel").write_text(yaml.safe_dump(described), encoding="utf-8")
    (saved / "python_env.yaml").write_text(yaml.safe_dump(environment), encoding="utf-8")
    (saved / "requirements.txt").write_text(f"ceas-ray=={version('ceas-ray')}\n", encoding="utf-8")
    return saved
