"""A trained model predicts, from features as they were given, what the run that trained it counted."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ceas_ray.quantum.circuit import Circuit
from ceas_ray.training.datasets import DataSet, Encoding, Samples, prepare
from ceas_ray.training.trained_model import TrainedModel


def prepared(features: Any, encoding: Encoding) -> tuple[DataSet, Any]:
    half = len(features) // 2
    labels = np.arange(len(features)) % 2
    parts = Samples(features[:half], labels[:half]), Samples(features[half:], labels[half:])
    return prepare(parts[0], Samples(features[:0], labels[:0]), parts[1], encoding), features[half:]


@settings(max_examples=60)
@given(
    seed=st.integers(0, 10**6), features=st.integers(1, 7), scale=st.floats(-4, 4), standardize=st.booleans(),
    shift=st.floats(-100, 100),
)  # fmt: skip
def test_the_feature_map_encodes_as_the_data_were_encoded(
    seed: int, features: int, scale: float, standardize: bool, shift: float
) -> None:
    x = 10**scale * (np.random.default_rng(seed).normal(size=(40, features)) + shift)
    for chosen in ("pca", tuple(range(min(3, features)))):
        encoding = Encoding(3, chosen, standardize=standardize, repeat_features=True, angle_range=0.5)
        data, test = prepared(x, encoding)
        assert data.feature_map is not None
        np.testing.assert_allclose(data.feature_map(test), data.test_angles, atol=1e-7)


def test_a_model_tells_classes_by_the_names_that_the_data_have_for_them() -> None:
    data, test = prepared(np.random.default_rng(1).normal(size=(20, 4)), Encoding(3))
    assert data.feature_map is not None
    circuit = Circuit(3, 1, 1)
    model = TrainedModel(circuit, np.zeros(circuit.parameter_count), data.feature_map, ("oak", "willow"))
    outputs = model.outputs(test)
    assert model.predict(test) == ["oak" if z >= 0 else "willow" for z in outputs[:, 0]]
    with pytest.raises(ValueError, match=r"features must have shape \(samples, 4\), got \(10, 3\)"):
        model.predict(test[:, :3])
    assert dataclasses.asdict(model.circuit) == model.description()["circuit"]
