"""What MLflow is given of a trained model."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ceas_ray.runs.mlflow_content import params_of
from ceas_ray.runs.mlflow_model_content import has_model, model_of
from ceas_ray.tracking.tracked_run import TrackedModel
from ceas_ray.training.trained_model import DESCRIPTION, PARAMETERS
from tests.composed_settings import composed_once

RING = {"qubits": 4, "layers": 2, "ansatz": "ring"}
SUMMARY = {"test_accuracy": 0.9, "chance_accuracy": 0.5, "rounds": 3}


def made(folder: Path, *words: str, circuit: Any = RING, run: str = "mdp seed 1", **named: str) -> TrackedModel:
    described = {"circuit": circuit, "classes": ["3", "8"], "features": {"matrix": [[0.0]] * 64}}
    (folder / DESCRIPTION).write_text(json.dumps(described))
    metrics = {"test_accuracy": 0.9, "bell_pairs.generated": 7.0, "wall_seconds": 1.0}
    return model_of(folder, run, SUMMARY, params=params_of(composed_once(words)), metrics=metrics, named=named)


def test_a_model_shows_what_matters_for_it_and_what_was_named(tmp_path: Path) -> None:
    model = made(tmp_path, **{"links.swap_success": "0.9"})
    assert model.params["training.ansatz"] == "ring" and model.params["scheduling"] == "mdp"
    assert model.params["links.swap_success"] == "0.9" and "links.max_km" not in model.params
    assert "null" not in model.params.values()
    assert model.metrics == {"test_accuracy": 0.9, "bell_pairs.generated": 7.0}
    assert "test_accuracy" in model.on_data and "bell_pairs.generated" not in model.on_data


def test_settings_of_the_circuit_do_not_stand_beside_a_circuit_of_ones_own(tmp_path: Path) -> None:
    circuit = {"qubits": 5, "inputs": 4, "parameter_count": 9, "gates": []}
    model = made(tmp_path, "training.circuit=my_circuit.py:tree", circuit=circuit)
    assert model.params["training.circuit"] == "my_circuit.py:tree"
    assert not {"training.ansatz", "training.qubits", "training.layers", "training.entangler"} & model.params.keys()
    assert "(qubits: 5)" in model.note


@pytest.mark.parametrize(("run", "name"), [
    ("alie fraction=.2 seed 3", "alie fraction=_2 seed 3"),
    ("circuit=my/tree.py:tree a... seed 1", "circuit=my_tree_py_tree a-- seed 1"),
])  # fmt: skip
def test_its_name_is_that_of_the_run_without_what_mlflow_refuses(run: str, name: str, tmp_path: Path) -> None:
    from mlflow.utils.validation import _validate_logged_model_name

    assert made(tmp_path, run=run).name == name
    _validate_logged_model_name(name)


def test_a_run_has_a_model_when_both_of_its_files_are_there(tmp_path: Path) -> None:
    (tmp_path / DESCRIPTION).write_text("{}")
    assert not has_model(tmp_path)
    (tmp_path / PARAMETERS).write_bytes(b"parameters")
    assert has_model(tmp_path)
