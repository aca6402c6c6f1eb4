"""Data sets as the processors see them: angles, targets and labels, split into training, validation and test."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class DataSet:
    """Encoding angles (samples, qubits) in rad, targets (samples, outputs) of +-1, labels (samples,).

    The validation part is for choosing settings; it is empty without `training.data.validation_fraction`. feature_map:
    how features became angles. classes: what the data call each label. digest: of all features and labels before they
    were split, 32 hexadecimal digits.
    """

    train_angles: Floats
    train_targets: Floats
    train_labels: Integers
    validation_angles: Floats
    validation_targets: Floats
    validation_labels: Integers
    test_angles: Floats
    test_targets: Floats
    test_labels: Integers
    feature_map: FeatureMap | None = None
    classes: tuple[str, ...] = ()
    digest: str = ""

    @property
    def outputs(self) -> int:
        """Number of outputs: one for two classes, else one per class."""
        return self.train_targets.shape[1]

    @property
    def chance_accuracy(self) -> float:
        """The share of the largest class in the test set: what a constant answer gets."""
        return _largest_share(self.test_labels)

    @property
    def has_validation(self) -> bool:
        """Return whether samples were set aside for choosing settings."""
        return len(self.validation_labels) > 0

    @property
    def validation_chance(self) -> float | None:
        """The share of the largest class in the validation set; None without one."""
        return _largest_share(self.validation_labels) if self.has_validation else None


def _largest_share(labels: Integers) -> float:
    return float(np.bincount(labels).max() / len(labels))


class FeatureMap(NamedTuple):
    """A fitted encoding: features x (samples, F) become the angles clip(x A + b, -1, 1) angle_range pi, in rad.

    matrix: A, shape (F, qubits). offset: b, shape (qubits,).
    """

    matrix: Floats
    offset: Floats
    angle_range: float

    def __call__(self, features: Floats) -> Floats:
        """Return the angles, shape (samples, qubits), in rad. Raises ValueError for another number of features."""
        if np.ndim(features) != 2 or features.shape[1] != len(self.matrix):
            raise ValueError(f"features must have shape (samples, {len(self.matrix)}), got {np.shape(features)}")
        angles: Floats = np.clip(features @ self.matrix + self.offset, -1.0, 1.0) * (self.angle_range * np.pi)
        return angles


class Encoded(NamedTuple):
    """Angles (samples, qubits), in rad, of training and other samples, and how others would be encoded."""

    train: Floats
    test: Floats
    feature_map: FeatureMap


class _Chosen(NamedTuple):
    """The quantities that are encoded, of training and other samples: x matrix + offset of features x."""

    train: Floats
    test: Floats
    matrix: Floats
    offset: Floats


@dataclass(frozen=True)
class Encoding:
    """The encoding of features as angles, one per qubit; everything is fitted on training data alone.

    features: `pca`, the leading principal components (of features scaled to unit variance if `standardize`), or the
    numbers of the features to take. Each is mapped so that the training range becomes [-1, 1] times `angle_range` pi;
    what lies outside is clipped. repeat_features: with fewer features than qubits, qubit q encodes feature
    q mod their number. called: what messages call qubits, of which a circuit of the user's own may have others than
    inputs.
    """

    qubits: int
    features: Literal["pca"] | tuple[int, ...] = "pca"
    _: KW_ONLY
    called: str = "qubits"
    standardize: bool = False
    repeat_features: bool = False
    angle_range: float = 0.5

    def __call__(self, train: Floats, test: Floats) -> Encoded:
        """Encode features (samples, F). Raises ValueError if they do not fill the qubits."""
        train, test, matrix, offset = self._chosen(train, test)
        if train.shape[1] < self.qubits:
            if not self.repeat_features or train.shape[1] == 0:
                kind = "principal components above rounding" if self.features == "pca" else "features"
                raise ValueError(f"{self.qubits} {self.called} need as many {kind}, got {train.shape[1]}")
            place = np.arange(self.qubits) % train.shape[1]
            train, test, matrix, offset = train[:, place], test[:, place], matrix[:, place], offset[place]
        lowest, highest = train.min(axis=0), train.max(axis=0)  # scikit-learn's MinMaxScaler ends at other bits
        centre, half = (lowest + highest) / 2, (highest - lowest) / 2
        train, test = (np.clip((x - centre) / half, -1.0, 1.0) * (self.angle_range * np.pi) for x in (train, test))
        return Encoded(train, test, FeatureMap(matrix / half, (offset - centre) / half, self.angle_range))

    def _chosen(self, train: Floats, test: Floats) -> _Chosen:
        from sklearn.decomposition import PCA

        count = train.shape[1]
        if isinstance(self.features, tuple):
            if not 1 <= len(set(self.features)) == len(self.features) <= self.qubits:
                raise ValueError(f"{self.qubits} {self.called} encode 1 to {self.qubits} different features, got "
                                 f"{list(self.features)}")  # fmt: skip
            if not all(0 <= feature < count for feature in self.features):
                raise ValueError(f"the data have features 0 to {count - 1}, got {list(self.features)}")
            constant = [feature for feature in self.features if not _varies(train[:, [feature]])[0]]
            if constant:
                raise ValueError(f"features must vary over the training data, feature {constant[0]} does not")
            columns = list(self.features)
            return _Chosen(train[:, columns], test[:, columns], np.eye(count)[:, columns], np.zeros(len(columns)))
        if not _varies(train).any():
            return _Chosen(train[:, :0], test[:, :0], np.zeros((count, 0)), np.zeros(0))
        scale, shift = np.ones(count), np.zeros(count)
        if self.standardize:
            from sklearn.preprocessing import StandardScaler

            scaler, varies = StandardScaler().fit(train), _varies(train)
            train, test = (scaler.transform(x) * varies for x in (train, test))
            scale, shift = varies / scaler.scale_, -scaler.mean_ / scaler.scale_ * varies
        components = PCA(n_components=min(self.qubits, count, len(train)), svd_solver="full").fit(train)
        above = components.singular_values_ > _rounding(train, components.singular_values_[0])
        directions = components.components_[above].T
        return _Chosen(
            train=components.transform(train)[:, above],
            test=components.transform(test)[:, above],
            matrix=scale[:, None] * directions,
            offset=(shift - components.mean_) @ directions,
        )


def _varies(features: Floats) -> NDArray[np.bool_]:
    """Return which features (samples, F) differ between samples by more than rounding."""
    spread = features.max(axis=0) - features.min(axis=0)
    return spread > 8 * np.finfo(float).eps * np.abs(features).max(axis=0)


def _rounding(features: Floats, largest: float) -> float:
    """Return the singular value of centred features (samples, F) up to which rounding alone may have made it.

    That of the decomposition (as in numpy.linalg.matrix_rank) and that of the features themselves.
    """
    of_features = np.sqrt(features.size) * np.abs(features).max()
    return float(np.finfo(float).eps * (max(features.shape) * largest + of_features))


class Samples(NamedTuple):
    """Features (samples, F) and labels (samples,)."""

    features: Floats
    labels: Integers


def split(features: Floats, labels: Integers, test_fraction: float, seed: int) -> tuple[Samples, Samples]:
    """Split features (samples, F) and labels (samples,) by seed into training and test parts, stratified by class.

    Raises ValueError if a part cannot hold every class.
    """
    from sklearn.model_selection import train_test_split

    samples, classes = len(labels), len(np.unique(labels))
    test = int(np.ceil(test_fraction * samples))
    if not classes <= test <= samples - classes:
        raise ValueError(
            f"training and test must hold every one of {classes} classes, got {test} of {samples} samples for the test"
        )
    train_x, test_x, train_y, test_y = train_test_split(
        features, labels, test_size=test_fraction, random_state=seed % 2**32, stratify=labels
    )
    return Samples(train_x, train_y), Samples(test_x, test_y)


def set_aside(training: Samples, fraction: float, generator: np.random.Generator) -> tuple[Samples, Samples]:
    """Split samples into those that stay for training, in their order, and those for validation.

    Of every class the nearest whole number to its share is drawn, but at least one sample and not all of them; with
    fraction 0 none. Raises ValueError if a class has a single sample.
    """
    chosen = np.zeros(len(training.labels), bool)
    for label in np.unique(training.labels) if fraction > 0 else ():
        members = np.flatnonzero(training.labels == label)
        if len(members) < 2:
            raise ValueError(f"training and validation must hold every class, got one sample of class {label} for both")
        count = int(np.clip(round(fraction * len(members)), 1, len(members) - 1))
        chosen[generator.choice(members, count, replace=False)] = True
    features, labels = training
    return Samples(features[~chosen], labels[~chosen]), Samples(features[chosen], labels[chosen])


def prepare(train: Samples, validation: Samples, test: Samples, encoding: Encoding) -> DataSet:
    """Encode samples that are split. Raises ValueError if their features do not fill the qubits."""
    train_angles, others, feature_map = encoding(train.features, np.concatenate([validation.features, test.features]))
    validation_angles, test_angles = np.split(others, [len(validation.labels)])
    classes = int(max(train.labels.max(), test.labels.max())) + 1
    targets = [_targets(part.labels, classes) for part in (train, validation, test)]
    return DataSet(
        train_angles=train_angles,
        train_targets=targets[0],
        train_labels=train.labels,
        validation_angles=validation_angles,
        validation_targets=targets[1],
        validation_labels=validation.labels,
        test_angles=test_angles,
        test_targets=targets[2],
        test_labels=test.labels,
        feature_map=feature_map,
    )


def _targets(labels: Integers, classes: int) -> Floats:
    if classes == 2:
        return np.where(labels == 0, 1.0, -1.0)[:, None]
    return np.where(labels[:, None] == np.arange(classes), 1.0, -1.0)


def logistic_regression_accuracy(data: DataSet) -> float:
    """Return the test accuracy of logistic regression on the same features: the classical line to print beside
    results.
    """
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(max_iter=2000).fit(data.train_angles, data.train_labels)
    return float(model.score(data.test_angles, data.test_labels))
