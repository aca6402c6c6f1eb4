"""Loads a logged model for `mlflow.pyfunc.load_model`, which finds this module by its name."""

from __future__ import annotations

from typing import Any

import pandas as pd

from ceas_ray.training.trained_model import TrainedModel


class PredictingModel:
    """A trained model as MLflow calls it: a table of features in, a table of predictions out."""

    def __init__(self, model: TrainedModel) -> None:
        self._model = model

    def predict(self, features: Any, params: Any = None) -> pd.DataFrame:
        """Return a row per sample: `class`, as the data call it, and the expectation value of every output.

        features: a table with the columns of the training data, in their order and without the label. Raises ValueError
        for another number of columns.
        """
        rows = features.to_numpy() if isinstance(features, pd.DataFrame) else features
        values = self._model.outputs(rows)
        columns = {f"output_{k}": values[:, k] for k in range(values.shape[1])}
        return pd.DataFrame({"class": self._model.classes_of(values), **columns})


def _load_pyfunc(path: str) -> PredictingModel:
    """Return the model in the folder `path`."""
    return PredictingModel(TrainedModel.read(path))
