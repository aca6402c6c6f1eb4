"""Sources of data: packages, drawn shapes, one's own file. Nothing is downloaded.

Each gives features (samples, F) and labels (samples,) from 0.
"""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ceas_ray.kernel.input_file import InputFile
from ceas_ray.kernel.numbers_in_text import is_number, whole_number
from ceas_ray.training.archives import read_arrays
from ceas_ray.training.tables import Table, read_table, shortened

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
PackagedName = Literal["digits", "iris", "wine", "breast_cancer"]


def load_classes(name: PackagedName, classes: tuple[int, ...]) -> tuple[Floats, Integers]:
    """Return a data set of scikit-learn, of these classes (none named: all); labels are positions in `classes`.

    Raises ValueError for fewer than two classes, repeated ones or ones that the set does not have.
    """
    from sklearn import datasets

    features, numbers = getattr(datasets, f"load_{name}")(return_X_y=True)
    highest = int(numbers.max())
    chosen = classes or tuple(range(highest + 1))
    if len(set(chosen)) != len(chosen) or len(chosen) < 2 or not all(0 <= c <= highest for c in chosen):
        raise ValueError(f"{name} needs at least two different classes of 0 to {highest}, got {list(classes)}")
    kept = np.isin(numbers, chosen)
    labels = np.array([chosen.index(int(number)) for number in numbers[kept]], dtype=np.int64)
    return np.asarray(features[kept], dtype=np.float64), labels


def draw_shape(name: Literal["moons", "circles"], samples: int, noise: float, seed: int) -> tuple[Floats, Integers]:
    """Return two half-moons, or a circle within a circle (half its radius), with Gaussian noise; from scikit-learn."""
    from sklearn import datasets

    factor = {"factor": 0.5} if name == "circles" else {}
    points, labels = getattr(datasets, f"make_{name}")(samples, noise=noise, random_state=seed % 2**32, **factor)
    return np.asarray(points, dtype=np.float64), labels.astype(np.int64)


class FileData(NamedTuple):
    """Features (samples, F), labels (samples,) from 0, what the file calls each class, and what is to be told of it."""

    features: Floats
    labels: Integers
    classes: tuple[str, ...]
    said: tuple[str, ...]


def load_file(file: InputFile) -> FileData:
    """Read one's own data: `.npz` with arrays x (samples, features) and y, or a table whose last column is the label.

    Tables (`.csv`, `.tsv`, `.txt`) are read as `read_table` says. Labels are numbers or texts; classes are numbered in
    their order. What is to be told of the file: what was read as a header, what was left out. Raises ValueError, naming
    the line or the array, for anything that is no such data, and for a feature that only numbers the samples.
    """
    form = file.path.rpartition(".")[2].lower()
    try:
        if form not in ("npz", *_TABLES):
            raise ValueError(f"the ending must be .npz, .{', .'.join(_TABLES)}")
        features, labels, names, said = _from_archive(file) if form == "npz" else _from_table(file)
        _refuse_huge(features, names)
        _refuse_index(features, names)
        classes, counts = np.unique(labels, return_counts=True)
        if len(classes) < 2 or counts.min() < 2:
            where = "y" if form == "npz" else "the last column"
            raise ValueError(f"at least two classes of at least two samples each are needed, got {_counted(labels)} in "
                             f"{where}, where the labels are")  # fmt: skip
    except (ValueError, MemoryError, OverflowError) as error:
        line = " ".join(str(error).split()) or "it is too large"
        raise ValueError(line) from error
    return FileData(
        features, np.searchsorted(classes, labels).astype(np.int64), tuple(map(str, classes.tolist())), said
    )


_TABLES = ("csv", "tsv", "txt")
_MAX_BYTES_OF_TABLE = 2**24
_LARGEST = 1e100
_FEWEST_IN_ORDER, _FEWEST_SHUFFLED = 4, 10
_MISSING_LABELS = ("", "?", "na", "n/a", "nan", "null")
_NAMES_OF_INDEX = ("index", "level_0")
"""Of pandas: `reset_index` gives them."""
_MAX_EXACT = 2**53
"""Beyond it floats skip whole numbers, and two labels could become one."""
_Loaded = tuple[Floats, NDArray[Any], list[str], tuple[str, ...]]
"""Features, labels, what to call each feature, and what is to be told."""


def _counted(labels: NDArray[Any]) -> str:
    classes, counts = np.unique(labels, return_counts=True)
    more = f" and {len(classes) - 10} more" if len(classes) > 10 else ""
    return ", ".join(f"{n} of {str(label)[:40]}" for label, n in zip(classes[:10], counts[:10], strict=True)) + more


def _refuse_huge(features: Floats, names: list[str]) -> None:
    """Raise ValueError for numbers whose squares, of which there are many to sum, no float holds."""
    row, column = np.unravel_index(np.abs(features).argmax(), features.shape)
    if abs(features[row, column]) > _LARGEST:
        raise ValueError(
            f"sample {row + 1}, column {names[column]}: must be in [-{_LARGEST:g}, {_LARGEST:g}], got "
            f"{features[row, column]:g}"
        )


def _refuse_index(features: Floats, names: list[str]) -> None:
    """Raise ValueError for a column that counts the samples: where these are sorted by label, it gives the label away.

    It need not count in order: samples may have been shuffled. In few samples that can be chance.
    """
    if len(features) < _FEWEST_IN_ORDER:
        return
    counting = (np.diff(features, axis=0) == 1).all(axis=0)
    if len(features) >= _FEWEST_SHUFFLED:
        counting |= (np.diff(np.sort(features, axis=0), axis=0) == 1).all(axis=0)
    for column in np.flatnonzero(counting):
        lowest, highest = features[:, column].min(), features[:, column].max()
        raise ValueError(
            f"column {names[column]} only numbers the samples ({lowest:g} to {highest:g}): an index is no feature, "
            "leave it out (pandas: index=False)"
        )


def _from_archive(file: InputFile) -> _Loaded:
    arrays, others = read_arrays(file.content, ("x", "y"))
    x, y = arrays["x"], arrays["y"]
    if x.ndim != 2 or y.shape != (len(x),) or x.size == 0:
        raise ValueError(f"x must be (samples, features) and y (samples,), got shapes {x.shape} and {y.shape}")
    if x.dtype.kind not in "biuf":
        raise ValueError(f"x must hold real numbers, got {x.dtype}")
    if y.dtype.kind not in "biufUS":
        raise ValueError(f"y must hold numbers or texts, got {y.dtype}")
    features = np.asarray(x, dtype=np.float64)
    broken = np.argwhere(~np.isfinite(features))
    if len(broken):
        raise ValueError(f"features must be finite, sample {broken[0][0] + 1} has x[{broken[0][0]}, {broken[0][1]}] = "
                         f"{features[tuple(broken[0])]}")  # fmt: skip
    if y.dtype.kind == "f" and not np.isfinite(y).all():
        raise ValueError("labels must be finite")
    if y.dtype.kind in "US" and not np.char.str_len(y).all():
        raise ValueError(f"the label of sample {int(np.argmin(np.char.str_len(y))) + 1} is missing")
    said = (f"{file.path}: {', '.join(others)} beside x and y is not used",) if others else ()
    return features, y, [f"x[:, {column}]" for column in range(x.shape[1])], said


def _from_table(file: InputFile) -> _Loaded:
    if len(file.content) > _MAX_BYTES_OF_TABLE:
        raise ValueError(f"a table may have {_MAX_BYTES_OF_TABLE / 2**20:.0f} MB: .npz takes more")
    table = read_table(file.content)
    if table.width < 2:
        raise ValueError(
            f"line {table.lines[0]} has 1 cell, at least a feature and a label are needed, with comma, semicolon or "
            "tab between them"
        )
    _refuse_header(table)
    names = [table.name(column) for column in range(table.width)]
    features = np.stack([table.numbers(column) for column in range(table.width - 1)], axis=1)
    if table.header is None:
        return features, _labels(table), names, ()
    first = ", ".join([*names[:8], *(["..."] if len(names) > 8 else [])])
    return features, _labels(table), names, (
        f"{file.path}: its first line, {first}, is read as the names of the columns",)  # fmt: skip


def _labels(table: Table) -> NDArray[Any]:
    """Return the last column: finite numbers, or texts, not both. Raises ValueError, which names the line, if a label
    is missing.
    """
    texts, where = table.cells[:, -1], f"column {table.name(table.width - 1)}"
    are_numbers = np.array([is_number(text) and bool(np.isfinite(float(text))) for text in texts])
    for line, text in zip(table.lines, texts, strict=True):
        if text.lower() in _MISSING_LABELS:
            got = f", got {text!r}" if text else ""
            raise ValueError(f"line {line}, {where}: the label is missing{got} (it is the last column)")
    if not are_numbers.any():
        return texts.astype(str)
    if not are_numbers.all():
        first = int(np.argmin(are_numbers))
        raise ValueError(f"line {table.lines[first]}, {where}: labels must be finite numbers or texts, not both, got "
                         f"{shortened(texts[first])}")  # fmt: skip
    numbers = texts.astype(np.float64)
    if np.abs(numbers).max() >= _MAX_EXACT:
        line = table.lines[int(np.abs(numbers).argmax())]
        raise ValueError(f"line {line}, {where}: labels must be in (-2^53, 2^53), or texts")
    whole = [whole_number(text) for text in texts]
    return numbers if None in whole else np.array(whole, dtype=np.int64)


def _refuse_header(table: Table) -> None:
    """Raise ValueError for an index column of pandas, and for a first line that only numbers the columns."""
    if table.header is not None:
        for column, name in enumerate(table.header, 1):
            if (column == 1 and not name) or name.startswith("Unnamed:") or name.lower() in _NAMES_OF_INDEX:
                named = f"is called {shortened(name)}" if name else "has no name"
                raise ValueError(f"column {column} {named}: an index is no feature, leave it out (pandas: index=False)")
            if not name:
                raise ValueError(f"column {column} has no name in the first line")
            if table.header.index(name) < column - 1:
                first = table.header.index(name) + 1
                raise ValueError(f"columns {first} and {column} have the same name, {shortened(name)}")
    elif _numbers_columns(table):
        raise ValueError(
            f"line {table.lines[0]} seems to number the columns ({', '.join(table.cells[0][:4])}, ...): give them "
            "names, or leave the line out (pandas: header=False)"
        )


def _numbers_columns(table: Table) -> bool:
    """Return whether the first line counts the columns from 0 or 1, as pandas writes columns without names.

    Of up to two features that can be chance: then the last cell must go on counting or be no number although other
    labels are, and some feature must hold other than whole numbers.
    """
    first, rest = table.cells[0], table.cells[1:]
    count = table.width - 1
    if not all(map(is_number, first[:-1])):
        return False
    numbers = [float(cell) for cell in first[:-1]]
    start = numbers[0]
    if start not in (0, 1) or numbers != [start + column for column in range(count)]:
        return False
    if count > 2:
        return True
    goes_on = float(first[-1]) == start + count if is_number(first[-1]) else any(map(is_number, rest[:, -1]))
    broken = any(is_number(cell) and not float(cell).is_integer() for cell in rest[:, :-1].ravel())
    return goes_on and broken
