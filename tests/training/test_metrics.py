"""Loss and accuracy of a model."""

from __future__ import annotations

import numpy as np
import pytest

from ceas_ray.quantum.circuit import Circuit
from ceas_ray.quantum.loss import SquaredLoss
from ceas_ray.training.metrics import Evaluation, LabelShare, predicted_labels
from tests.quantum.state_vectors import expectations

CIRCUIT = Circuit(3, 1, 2, reuploaded=True)
DRAW = np.random.default_rng(1)
ANGLES, PARAMETERS = DRAW.uniform(-1, 1, (8, 3)), DRAW.uniform(-2, 2, CIRCUIT.parameter_count)
OUTPUTS = expectations(CIRCUIT, ANGLES, PARAMETERS)


def test_one_output_speaks_by_its_sign_and_several_by_the_largest() -> None:
    assert predicted_labels(np.array([[0.2], [-0.2], [0.0]])).tolist() == [0, 1, 0]
    assert predicted_labels(np.array([[0.1, 0.3, 0.2], [0.5, 0.5, -1.0]])).tolist() == [1, 0]


def test_a_model_is_judged_by_its_ideal_outputs() -> None:
    labels = np.arange(8) % 2
    targets = np.where(labels[:, None] == np.arange(2), 1.0, -1.0)
    found = Evaluation(circuit=CIRCUIT, loss=SquaredLoss(), angles=ANGLES, targets=targets, labels=labels)
    loss, accuracy = found(PARAMETERS)
    assert loss == pytest.approx(float(np.mean(SquaredLoss()(OUTPUTS, targets))))
    assert accuracy == np.mean(np.argmax(OUTPUTS, axis=1) == labels)


def test_the_shares_of_all_labels_sum_to_one() -> None:
    shares = [LabelShare(circuit=CIRCUIT, angles=ANGLES, label=label)(PARAMETERS) for label in (0, 1)]
    assert sum(shares) == 1.0
    assert shares[0] == np.mean(np.argmax(OUTPUTS, axis=1) == 0)
