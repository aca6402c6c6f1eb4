"""A trained model as a run leaves it: its circuit, its parameters, and how features become angles."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ceas_ray.quantum.circuit import Circuit
from ceas_ray.quantum.circuit_values import VariationalCircuit
from ceas_ray.quantum.gate_circuit import GateCircuit
from ceas_ray.training.datasets import FeatureMap
from ceas_ray.training.metrics import model_outputs, predicted_labels

Floats = NDArray[np.float64]
DESCRIPTION, PARAMETERS = "model.json", "model.npz"
"""Files of a run folder: the circuit, the encoding of features and the classes; the trained parameters."""
FORMAT = 1


@dataclass(frozen=True, eq=False)
class TrainedModel:
    """A model that predicts classes from features, on ideal hardware and with infinitely many shots.

    parameters: shape (d,), in rad. classes: what the data call each label.
    """

    circuit: VariationalCircuit
    parameters: Floats
    feature_map: FeatureMap
    classes: tuple[str, ...]

    @classmethod
    def read(cls, folder: str | Path) -> TrainedModel:
        """Read the model in a run folder. Raises OSError if a file is missing, ValueError if it is another format."""
        folder = Path(folder)
        described = json.loads((folder / DESCRIPTION).read_text(encoding="utf-8"))
        if described.get("format") != FORMAT:
            raise ValueError(f"{folder / DESCRIPTION} must have format {FORMAT}, got {described.get('format')}")
        circuit, features = described["circuit"], described["features"]
        with np.load(folder / PARAMETERS) as file:
            parameters = file["parameters"]
        made = _circuit(circuit)
        matrix = np.array(features["matrix"], dtype=np.float64).reshape(-1, made.inputs)
        feature_map = FeatureMap(matrix, np.array(features["offset"], dtype=np.float64), features["angle_range"])
        return cls(made, parameters, feature_map, tuple(described["classes"]))

    def description(self) -> Mapping[str, Any]:
        """Return what `model.json` holds: everything but the parameters."""
        return {
            "format": FORMAT,
            "circuit": _described(self.circuit),
            "features": {
                "matrix": self.feature_map.matrix.tolist(),
                "offset": self.feature_map.offset.tolist(),
                "angle_range": self.feature_map.angle_range,
            },
            "classes": list(self.classes),
        }

    def outputs(self, features: ArrayLike) -> Floats:
        """Return the values of all outputs (<Z_k>, unless observables are others), shape (samples, outputs).

        features: shape (samples, F), as in the data that the model was trained on. Raises ValueError for others.
        """
        return model_outputs(self.circuit, self.parameters, self.feature_map(np.asarray(features, dtype=np.float64)))

    def classes_of(self, outputs: Floats) -> list[str]:
        """Return the class that each row of outputs (samples, outputs) speaks for, as the data call it."""
        return [self.classes[label] for label in predicted_labels(outputs)]

    def predict(self, features: ArrayLike) -> list[str]:
        """Return the class of every sample; arguments and errors as `outputs`."""
        return self.classes_of(self.outputs(features))


def _described(circuit: VariationalCircuit) -> Mapping[str, Any]:
    return circuit.description() if isinstance(circuit, GateCircuit) else asdict(circuit)


def _circuit(described: Mapping[str, Any]) -> VariationalCircuit:
    if "gates" in described:
        return GateCircuit.from_description(described)
    tuples: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in described.items()
    }
    return Circuit(**tuples)
