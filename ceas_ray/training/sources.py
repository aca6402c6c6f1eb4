"""Where data come from: packages, drawn shapes, one's own file. Nothing is downloaded.

Each gives features (samples, F) and labels (samples,) from 0.
"""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any, Literal
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
PackagedName = Literal["digits", "iris", "wine", "breast_cancer"]


def load_classes(name: PackagedName, classes: tuple[int, ...]) -> tuple[Floats, Integers]:
    """A data set of scikit-learn, of these classes (none named: all); labels are positions in `classes`.

    Raises ValueError for fewer than two classes, repeated ones or ones that the set does not have.
    """
    from sklearn import datasets

    features, numbers = getattr(datasets, f"load_{name}")(return_X_y=True)
    most = int(numbers.max())
    chosen = classes or tuple(range(most + 1))
    if len(set(chosen)) != len(chosen) or len(chosen) < 2 or not all(0 <= c <= most for c in chosen):
        raise ValueError(f"at least two different classes 0 to {most}, got {list(classes)}")
    kept = np.isin(numbers, chosen)
    labels = np.array([chosen.index(int(number)) for number in numbers[kept]], dtype=np.int64)
    return np.asarray(features[kept], dtype=np.float64), labels


def draw_shape(name: Literal["moons", "circles"], samples: int, noise: float, seed: int) -> tuple[Floats, Integers]:
    """Two half-moons, or a circle within a circle (half its radius), with Gaussian noise; from scikit-learn."""
    from sklearn import datasets

    factor = {"factor": 0.5} if name == "circles" else {}
    points, labels = getattr(datasets, f"make_{name}")(samples, noise=noise, random_state=seed % 2**32, **factor)
    return np.asarray(points, dtype=np.float64), labels.astype(np.int64)


def load_file(path: str) -> tuple[Floats, Integers]:
    """One's own data: `.npz` with arrays x (samples, features) and y, or `.csv` whose last column is the label.

    Labels are numbers or texts; classes are numbered in their order. A first line of a `.csv` that is not numbers names
    the columns. Raises ValueError, naming the line, for a missing file or one of another form.
    """
    file = Path(path)
    if not file.is_file():
        raise ValueError(f"an existing .npz or .csv file, got {path!r}")
    try:
        if file.suffix not in (".npz", ".csv"):
            raise ValueError("the ending must be .npz or .csv")
        features, labels = _read_npz(file) if file.suffix == ".npz" else _read_csv(file)
        if features.ndim != 2 or labels.shape != (len(features),) or features.size == 0:
            raise ValueError(
                f"x must be (samples, features) and y (samples,), got shapes {features.shape} and {labels.shape}"
            )
        broken = np.flatnonzero(~np.isfinite(features).all(axis=1))
        if len(broken):
            raise ValueError(f"features must be finite, sample {broken[0] + 1} is not")
        if labels.dtype.kind == "f" and not np.isfinite(labels).all():
            raise ValueError("labels must be finite")
        classes, counts = np.unique(labels, return_counts=True)
        if len(classes) < 2 or counts.min() < 2:
            raise ValueError(f"at least two classes of at least two samples each are needed, got {_counted(labels)}")
    except (ValueError, KeyError, IndexError, OSError, BadZipFile) as error:
        raise ValueError(f"a readable data file, got {path!r}: {error}") from error
    return features, np.searchsorted(classes, labels).astype(np.int64)


def _counted(labels: NDArray[Any]) -> str:
    classes, counts = np.unique(labels, return_counts=True)
    return ", ".join(f"{count} of {label}" for label, count in zip(classes[:10], counts[:10], strict=True))


def _read_npz(file: Path) -> tuple[Floats, NDArray[Any]]:
    with np.load(file, allow_pickle=False) as arrays:
        if not {"x", "y"} <= set(arrays.files):
            raise ValueError(f"it must hold arrays x and y, got {', '.join(arrays.files) or 'none'}")
        return np.asarray(arrays["x"], dtype=np.float64), arrays["y"]


def _read_csv(file: Path) -> tuple[Floats, NDArray[Any]]:
    with file.open(newline="") as lines:
        rows = [(number, row) for number, row in enumerate(csv.reader(lines), start=1) if row]
    if rows and not all(_is_number(cell) for cell in rows[0][1][:-1]):
        rows = rows[1:]
    if not rows:
        raise ValueError("it has no samples")
    width = len(rows[0][1])
    for number, row in rows:
        if len(row) != width or width < 2:
            raise ValueError(f"line {number} has {len(row)} cells, at least 2 and as many as the first are needed")
        wrong = next((cell for cell in row[:-1] if not _is_number(cell)), None)
        if wrong is not None:
            raise ValueError(f"line {number}: features must be numbers, got {wrong!r}")
    labels = [row[-1].strip() for _, row in rows]
    numeric = all(map(_is_number, labels))
    return np.array([[float(cell) for cell in row[:-1]] for _, row in rows]), np.array(
        [float(label) for label in labels] if numeric else labels
    )


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True
