"""Files of data, for tests of how they are read."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest

from ceas_ray.kernel.input_file import InputFile
from ceas_ray.training.sources import FileData, load_file

X = np.round(np.random.default_rng(1).normal(size=(20, 3)), 4)


Y = np.arange(20) % 2


ROWS = [",".join([*(repr(float(value)) for value in row), str(label)]) for row, label in zip(X, Y, strict=True)]


BODY = "\n".join(ROWS) + "\n"


def loaded(content: bytes | str, name: str = "d.csv") -> FileData:
    return load_file(InputFile(f"/data/{name}", content.encode() if isinstance(content, str) else content))


def refused(content: bytes | str, name: str = "d.csv") -> str:
    with pytest.raises(ValueError, match=r".") as error:
        loaded(content, name)
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 400
    return str(error.value)


def archive(**arrays: Any) -> bytes:
    stream = io.BytesIO()
    np.savez_compressed(stream, **arrays)
    return stream.getvalue()
