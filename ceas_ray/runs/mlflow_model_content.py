"""What MLflow is given of a trained model: from the folder of its run alone, as all else is."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ceas_ray.tracking.files import read_json
from ceas_ray.tracking.tracked_run import TrackedModel
from ceas_ray.training.trained_model import DESCRIPTION, PARAMETERS

_ON_DATA = (
    "test_accuracy", "test_loss", "validation_accuracy", "backdoor_success", "chance_accuracy", "centralized_accuracy",
    "logistic_regression_accuracy",
)  # fmt: skip
_COSTS = (
    "rounds", "bell_pairs.generated", "bell_pair_utilization", "demand_on_time", "mean_contrast", "simulated_seconds",
)  # fmt: skip
_OF_CIRCUIT = ("training.ansatz", "training.entangler", "training.layers", "training.qubits")
"""Settings that do not count where a circuit of one's own is named."""
_PARAMS = (
    "scheduling", "aggregation", "attacks", "attacks.fraction", "seed", "training", "training.data.name",
    "training.data.classes", "training.circuit", *_OF_CIRCUIT, "training.loss", "training.error_mitigation",
    "training.partition", "training.inputs", "training.rounds", "training.circuits_per_round",
    "training.learning_rate", "processors", "processors.count", "links", "network", "entanglement", "consensus",
)  # fmt: skip
"""What every model shows, beside what was named on the command line of its run."""


def has_model(folder: Path) -> bool:
    """Return whether the run in `folder` left a model."""
    return all((folder / name).exists() for name in (DESCRIPTION, PARAMETERS))


def model_of(
    folder: Path, run: str, summary: Mapping[str, Any], *, params: Mapping[str, str], metrics: Mapping[str, float],
    named: Mapping[str, str],
) -> TrackedModel:  # fmt: skip
    """Return the model of a run that is over.

    run: the name of the run. params, metrics: those of the run. named: the params that its command line names.
    """
    own_circuit = params.get("training.circuit", "null") != "null"
    shown = {key: params[key] for key in _PARAMS if params.get(key, "null") != "null"} | dict(named)
    shown = {key: value for key, value in shown.items() if not (own_circuit and key in _OF_CIRCUIT)}
    return TrackedModel(
        folder=folder,
        name=_name(run),
        params=shown,
        metrics={name: metrics[name] for name in (*_ON_DATA, *_COSTS) if name in metrics},
        on_data=_ON_DATA,
        note=_note(read_json(folder / DESCRIPTION), params, summary),
    )


def _name(run: str) -> str:
    """Return the name of the run without what MLflow allows there, but not in the name of a model."""
    return re.sub(r"[/:.%\"']", "_", run.replace("...", "--"))


def _note(described: Mapping[str, Any], params: Mapping[str, str], summary: Mapping[str, Any]) -> str:
    """Return what the page of the model says, in Markdown."""
    circuit, classes = described["circuit"], described["classes"]
    shape = f"qubits: {circuit['qubits']}"
    shape += f", layers: {circuit['layers']}, ansatz: `{circuit['ansatz']}`" if "ansatz" in circuit else ""
    choices = [f"{group} `{params[group]}`" for group in ("scheduling", "aggregation", "attacks") if group in params]
    return "\n".join([
        f"**Test accuracy {summary['test_accuracy']:.3f}** (chance {summary['chance_accuracy']:.3f}) after "
        f"{summary['rounds']} rounds.",
        "",
        f"A variational quantum circuit ({shape}) that tells the classes {', '.join(map(str, classes))} of "
        f"`{params['training.data.name']}` apart.",
        "",
        f"Trained on {params['processors.count']} quantum processors: {', '.join(choices)}.",
        "",
        f"It predicts from a table of {len(described['features']['matrix'])} features without the label: a row per "
        "sample, with `class` and the expectation value of each output.",
    ])  # fmt: skip
