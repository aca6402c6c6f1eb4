"""Logistic regression beside that of scikit-learn."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from sklearn import linear_model
from sklearn.datasets import load_breast_cancer, load_digits, load_iris, load_wine

from ceas_ray.training.logistic_regression import LogisticRegression

SETS = {"iris": load_iris, "wine": load_wine, "breast_cancer": load_breast_cancer, "digits": load_digits}


@pytest.mark.parametrize("classes", [2, 3, 10])
@pytest.mark.parametrize("name", SETS)
def test_accuracies_are_those_of_scikit_learn(name: str, classes: int) -> None:
    features, labels = SETS[name](return_X_y=True)
    features, labels = features[labels < classes], labels[labels < classes]
    features = (features - features.mean(axis=0)) / (features.std(axis=0) + 1e-9)
    features = features[:, :12]
    train, test = np.arange(len(labels)) % 3 > 0, np.arange(len(labels)) % 3 == 0
    model = LogisticRegression(features[train], labels[train])
    theirs = linear_model.LogisticRegression(tol=1e-10, max_iter=10_000).fit(features[train], labels[train])
    assert model.accuracy(features[test], labels[test]) == theirs.score(features[test], labels[test])
    assert model.accuracy(features[train], labels[train]) == theirs.score(features[train], labels[train])


def test_classes_that_a_line_separates_and_features_that_say_nothing_are_fitted_too() -> None:
    line = np.linspace(-1, 1, 40)[:, None]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert LogisticRegression(1e3 * line, (line[:, 0] > 0).astype(int)).accuracy(line, line[:, 0] > 0) == 1.0
        constant = LogisticRegression(np.zeros((9, 2)), np.array([0, 1, 1, 1, 2, 2, 1, 1, 0]))
    assert constant.accuracy(np.zeros((2, 2)), np.array([1, 1])) == 1.0
