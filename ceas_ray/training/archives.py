"""Arrays in `.npz` archives, read as untrusted input: no pickle, and no more memory than the file may claim."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Sequence
from math import prod
from tokenize import TokenError
from typing import Any

import numpy as np
from numpy.typing import NDArray

MAX_BYTES_OF_ARRAY = 2**27
"""128 MB, uncompressed: a small file that claims more is damaged or hostile."""
_HEADERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}


def read_arrays(content: bytes, names: Sequence[str]) -> tuple[dict[str, NDArray[Any]], list[str]]:
    """Read the arrays of these names from the content of an archive; returns them, and the names of all others.

    Raises ValueError for whatever is no archive, lacks an array, is encrypted, damaged or truncated, holds objects, or
    claims more than MAX_BYTES_OF_ARRAY.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            found = [entry.filename.removesuffix(".npy") for entry in archive.infolist()]
            missing = [name for name in names if found.count(name) != 1]
            if missing:
                wanted = f"it must hold arrays {' and '.join(names)}, one each"
                raise ValueError(f"{wanted}, got {', '.join(found[:10]) or 'none'}")
            entries = {entry.filename.removesuffix(".npy"): entry for entry in archive.infolist()}
            arrays = {name: _array(archive, entries[name], name) for name in names}
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError) as error:
        raise ValueError(f"it is no whole .npz archive ({error})") from None
    return arrays, [name for name in found if name not in names]


def _array(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, name: str) -> NDArray[Any]:
    if entry.flag_bits & 1:
        raise ValueError(f"{name} is encrypted")
    if entry.file_size > MAX_BYTES_OF_ARRAY:
        limit = MAX_BYTES_OF_ARRAY // 2**20
        raise ValueError(f"{name} claims {entry.file_size / 2**20:.0f} MB, at most {limit} are read")
    with archive.open(entry) as member:
        data = member.read(MAX_BYTES_OF_ARRAY)
    stream = io.BytesIO(data)
    try:
        version = np.lib.format.read_magic(stream)
        if version not in _HEADERS:
            raise ValueError(f"its format is {version}, one that plain arrays do not need")
        shape, by_columns, dtype = _HEADERS[version](stream)
    except (ValueError, SyntaxError, TypeError, TokenError, RecursionError, MemoryError) as error:
        raise ValueError(f"{name} is no array: {str(error)[:200]}") from None
    if dtype.hasobject or dtype.names is not None or dtype.subdtype is not None:
        raise ValueError(f"{name} must hold plain numbers or texts, got {'objects' if dtype.hasobject else dtype}")
    wanted, there = prod(shape) * dtype.itemsize, len(data) - stream.tell()
    if not all(type(size) is int and size >= 0 for size in shape) or wanted != there:
        raise ValueError(f"{name} claims shape {_short(shape)} of {dtype}, which {there} bytes cannot be")
    if not wanted:
        raise ValueError(f"{name} must hold numbers or texts, got shape {_short(shape)} of {dtype}")
    return np.frombuffer(data, dtype, offset=stream.tell()).reshape(shape, order="F" if by_columns else "C")


def _short(shape: tuple[int, ...]) -> str:
    text = str(shape)
    return text if len(text) <= 60 else f"{text[:60]}..."
