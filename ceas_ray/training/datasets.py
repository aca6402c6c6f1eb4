"""Data sets as the processors see them: encoding angles, targets, labels, split into training and test."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True)
class DataSet:
    """Encoding angles (samples, qubits) in rad, targets (samples, outputs) of +-1, labels (samples,)."""

    train_angles: Floats
    train_targets: Floats
    train_labels: Integers
    test_angles: Floats
    test_targets: Floats
    test_labels: Integers

    @property
    def outputs(self) -> int:
        """One for two classes, else one per class."""
        return self.train_targets.shape[1]

    @property
    def chance_accuracy(self) -> float:
        """The share of the largest class in the test set: what a constant answer gets."""
        return float(np.bincount(self.test_labels).max() / len(self.test_labels))


@dataclass(frozen=True)
class Encoding:
    """How features become angles, one per qubit; everything is fitted on training data alone.

    features: `pca`, the leading principal components (of features scaled to unit variance if `standardize`), or the
    numbers of the features to take. Each is mapped so that the training range becomes [-1, 1] times `angle_range` pi;
    what lies outside is clipped. repeat_features: with fewer features than qubits, qubit q encodes feature
    q mod their number.
    """

    qubits: int
    features: Literal["pca"] | tuple[int, ...] = "pca"
    standardize: bool = False
    repeat_features: bool = False
    angle_range: float = 0.5

    def __call__(self, train: Floats, test: Floats) -> tuple[Floats, Floats]:
        """Angles (samples, qubits) of features (samples, F). ValueError if they do not fill the qubits."""
        train, test = self._chosen(train, test)
        if train.shape[1] < self.qubits:
            if not self.repeat_features or train.shape[1] == 0:
                kind = "principal components above rounding" if self.features == "pca" else "features"
                raise ValueError(f"at least as many {kind} as qubits ({self.qubits}), got {train.shape[1]}")
            place = np.arange(self.qubits) % train.shape[1]
            train, test = train[:, place], test[:, place]
        least, most = train.min(axis=0), train.max(axis=0)
        centre, half = (least + most) / 2, (most - least) / 2
        train, test = (np.clip((x - centre) / half, -1.0, 1.0) * (self.angle_range * np.pi) for x in (train, test))
        return train, test

    def _chosen(self, train: Floats, test: Floats) -> tuple[Floats, Floats]:
        from sklearn.decomposition import PCA

        count = train.shape[1]
        if isinstance(self.features, tuple):
            if not 1 <= len(set(self.features)) == len(self.features) <= self.qubits:
                raise ValueError(f"1 to {self.qubits} different features (one per qubit), got {list(self.features)}")
            if not all(0 <= feature < count for feature in self.features):
                raise ValueError(f"features 0 to {count - 1}, got {list(self.features)}")
            constant = [feature for feature in self.features if not _varies(train[:, [feature]])[0]]
            if constant:
                raise ValueError(f"features that vary over the training data, feature {constant[0]} does not")
            return train[:, list(self.features)], test[:, list(self.features)]
        if not _varies(train).any():
            return train[:, :0], test[:, :0]
        if self.standardize:
            mean, spread, varies = train.mean(axis=0), train.std(axis=0), _varies(train)
            spread = np.where(varies, spread, 1.0)
            train, test = ((x - mean) / spread * varies for x in (train, test))
        components = PCA(n_components=min(self.qubits, count, len(train)), svd_solver="full").fit(train)
        above = components.singular_values_ > _rounding(train, components.singular_values_[0])
        return components.transform(train)[:, above], components.transform(test)[:, above]


def _varies(features: Floats) -> NDArray[np.bool_]:
    """Which features (samples, F) differ between samples by more than rounding."""
    spread = features.max(axis=0) - features.min(axis=0)
    return spread > 8 * np.finfo(float).eps * np.abs(features).max(axis=0)


def _rounding(features: Floats, largest: float) -> float:
    """The singular value of centred features (samples, F) up to which rounding alone may have made it.

    That of the decomposition (as in numpy.linalg.matrix_rank) and that of the features themselves.
    """
    of_features = np.sqrt(features.size) * np.abs(features).max()
    return float(np.finfo(float).eps * (max(features.shape) * largest + of_features))


Parts = tuple[Floats, Floats, Integers, Integers]
"""Features for training and for the test, labels for training and for the test."""


def split(features: Floats, labels: Integers, test_fraction: float, seed: int) -> Parts:
    """Split samples by seed, with every class in both parts in the same share.

    Raises ValueError if a part cannot hold every class.
    """
    from sklearn.model_selection import train_test_split

    samples, classes = len(labels), len(np.unique(labels))
    test = int(np.ceil(test_fraction * samples))
    if not classes <= test <= samples - classes:
        raise ValueError(
            f"such that training and test hold every one of {classes} classes: {test} of {samples} samples are for the "
            f"test"
        )
    train_x, test_x, train_y, test_y = train_test_split(
        features, labels, test_size=test_fraction, random_state=seed % 2**32, stratify=labels
    )
    return train_x, test_x, train_y, test_y


def prepare(parts: Parts, encoding: Encoding) -> DataSet:
    """Encode samples that are split. ValueError if their features do not fill the qubits."""
    train_x, test_x, train_y, test_y = parts
    train_angles, test_angles = encoding(train_x, test_x)
    classes = int(max(train_y.max(), test_y.max())) + 1
    return DataSet(train_angles, _targets(train_y, classes), train_y, test_angles, _targets(test_y, classes), test_y)


def _targets(labels: Integers, classes: int) -> Floats:
    if classes == 2:
        return np.where(labels == 0, 1.0, -1.0)[:, None]
    return np.where(labels[:, None] == np.arange(classes), 1.0, -1.0)


def logistic_regression_accuracy(data: DataSet) -> float:
    """Test accuracy of logistic regression on the same features: the classical line to print beside results."""
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(max_iter=2000).fit(data.train_angles, data.train_labels)
    return float(model.score(data.test_angles, data.test_labels))
