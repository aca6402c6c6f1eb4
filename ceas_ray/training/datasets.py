"""Data sets, from packages or one's own file: nothing is downloaded."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True)
class DataSet:
    """Encoding angles (samples, qubits) in [-pi/2, pi/2], targets (samples, outputs) of +-1, labels (samples,)."""

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


def load_digits_of(classes: tuple[int, ...]) -> tuple[Floats, Integers]:
    """Handwritten digits (8 x 8 pixels) of these classes, from scikit-learn; labels are positions in `classes`."""
    from sklearn.datasets import load_digits

    if len(set(classes)) != len(classes) or len(classes) < 2 or not all(0 <= c <= 9 for c in classes):
        raise ValueError(f"at least two different digits 0 to 9, got {list(classes)}")
    pixels, digits = load_digits(return_X_y=True)
    chosen = np.isin(digits, classes)
    labels = np.array([classes.index(int(digit)) for digit in digits[chosen]], dtype=np.int64)
    return np.asarray(pixels[chosen], dtype=np.float64), labels


def load_file(path: str) -> tuple[Floats, Integers]:
    """One's own data: `.npz` with arrays x (samples, features) and y, or `.csv` whose last column is the label.

    Raises ValueError for a missing file or one of another form.
    """
    file = Path(path)
    if not file.is_file():
        raise ValueError(f"an existing .npz or .csv file, got {path!r}")
    try:
        if file.suffix == ".npz":
            with np.load(file, allow_pickle=False) as arrays:
                features, labels = np.asarray(arrays["x"], dtype=np.float64), arrays["y"]
        elif file.suffix == ".csv":
            table = np.genfromtxt(file, delimiter=",", skip_header=_header_lines(file))
            features, labels = table[:, :-1], table[:, -1]
        else:
            raise ValueError("the ending must be .npz or .csv")
        classes, numbered = np.unique(labels, return_inverse=True)
        fits = features.ndim == 2 and len(features) == len(numbered) and np.all(np.isfinite(features))
        if not fits or len(classes) < 2:
            raise ValueError("it must hold finite features (samples, features) and labels of at least two classes")
    except (ValueError, KeyError, IndexError, OSError) as error:
        raise ValueError(f"a readable data file, got {path!r}: {error}") from error
    return features, numbered.astype(np.int64)


def _header_lines(file: Path) -> int:
    with file.open() as lines:
        first = lines.readline().split(",")
    try:
        [float(cell) for cell in first]
    except ValueError:
        return 1
    return 0


def prepare(features: Floats, labels: Integers, qubits: int, test_fraction: float, seed: int) -> DataSet:
    """Split (stratified), reduce to `qubits` principal components and scale to angles, both fitted on training data.

    Raises ValueError if there are fewer features than qubits, or classes than can be split.
    """
    from sklearn.decomposition import PCA
    from sklearn.model_selection import train_test_split

    if features.shape[1] < qubits:
        raise ValueError(f"at least as many features as qubits ({qubits}), got {features.shape[1]}")
    train_x, test_x, train_y, test_y = train_test_split(
        features, labels, test_size=test_fraction, random_state=seed % 2**32, stratify=labels
    )
    components = PCA(n_components=qubits, svd_solver="full").fit(train_x)
    train_x, test_x = components.transform(train_x), components.transform(test_x)
    centre, half = (train_x.max(0) + train_x.min(0)) / 2, np.maximum((train_x.max(0) - train_x.min(0)) / 2, 1e-12)

    def angles(x: Floats) -> Floats:
        return np.clip((x - centre) / half, -1.0, 1.0) * np.pi / 2

    classes = int(labels.max()) + 1
    return DataSet(
        angles(train_x), _targets(train_y, classes), train_y, angles(test_x), _targets(test_y, classes), test_y
    )


def _targets(labels: Integers, classes: int) -> Floats:
    if classes == 2:
        return np.where(labels == 0, 1.0, -1.0)[:, None]
    return np.where(labels[:, None] == np.arange(classes), 1.0, -1.0)


def logistic_regression_accuracy(data: DataSet) -> float:
    """Test accuracy of logistic regression on the same features: the classical line to print beside results."""
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(max_iter=2000).fit(data.train_angles, data.train_labels)
    return float(model.score(data.test_angles, data.test_labels))
